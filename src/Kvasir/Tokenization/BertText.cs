namespace Kvasir.Tokenization;

/// <summary>How BERT prepares text: cleaned, spaces around ideographs, accents and case removed; then words and punctuation.</summary>
internal static class BertText
{
    private static readonly RuneSet s_ideographs = new(
        CharClass.None,
        "\u4E00\u9FFF\u3400\u4DBF\uF900\uFAFF\U00020000\U0002A6DF\U0002A700\U0002B73F\U0002B740\U0002B81F\U0002B920\U0002CEAF"
        + "\U0002F800\U0002FA1F");

    /// <summary>BERT's normaliser with its four switches.</summary>
    public static IEnumerable<TextNormalizer.Step> Steps(bool clean, bool spaceIdeographs, bool stripAccents, bool lowercase)
    {
        if (clean || spaceIdeographs) yield return (text, _) => Clean(text, clean, spaceIdeographs);
        if (stripAccents)
        {
            yield return TextNormalizer.Nfd;
            yield return TextNormalizer.StripAccents;
        }
        if (lowercase) yield return TextNormalizer.Lowercase;
    }

    /// <summary>Words between white space, every punctuation mark alone.</summary>
    public static PreTokenizer PreTokenizer() =>
        Tokenization.PreTokenizer.Sequence(new WhiteSpaceSplitter(), PreTokenizers.PunctuationRuns(longest: 1));

    private static ReadOnlySpan<char> Clean(ReadOnlySpan<char> text, bool clean, bool spaceIdeographs)
    {
        if (text.IndexOfAnyExceptInRange(' ', '~') < 0) return text;
        var kept = new StringBuilder(text.Length + 16);
        Span<char> units = stackalloc char[2];
        foreach (Rune rune in text.EnumerateRunes())
        {
            ReadOnlySpan<char> character = units[..rune.EncodeToUtf16(units)];
            if (spaceIdeographs && s_ideographs.Contains(rune)) kept.Append(' ').Append(character).Append(' ');
            else if (!clean || !IsDropped(rune)) kept.Append(clean && Rune.IsWhiteSpace(rune) ? " " : character);
        }
        return kept.ToString();
    }

    private static bool IsDropped(Rune rune) => rune.Value is not ('\t' or '\n' or '\r') && (rune.Value == 0xFFFD
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse);

    private sealed class WhiteSpaceSplitter : PreTokenizer
    {
        public override void Split(ReadOnlySpan<char> text, IPieceSink sink)
        {
            for (int at = 0; at < text.Length;)
            {
                int end = at;
                while (end < text.Length && (CharClasses.Of(text[end]) & CharClass.Space) == 0) end++;
                if (end > at) sink.Add(text[at..end]);
                at = end + 1;
            }
        }
    }
}
