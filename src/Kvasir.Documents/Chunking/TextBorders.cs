namespace Kvasir.Documents.Chunking;

/// <summary>Where a text may be cut, from the best place to the worst.</summary>
internal enum BorderKind
{
    /// <summary>Behind a blank line.</summary>
    Paragraph,

    /// <summary>Behind a sentence or a line.</summary>
    Sentence,

    /// <summary>Behind the white space after a word.</summary>
    Word,

    /// <summary>Between any two characters.</summary>
    Character,
}

/// <summary>Finds the borders of paragraphs, sentences and words. White space belongs to what stands before it.</summary>
internal static class TextBorders
{
    private static readonly HashSet<string> s_abbreviations = new(StringComparer.OrdinalIgnoreCase)
    {
        "Dr", "Mr", "Mrs", "Ms", "Prof", "St", "Jr", "Sr", "vs", "etc", "e.g", "i.e", "cf", "No", "Fig", "Vol", "pp", "ca", "approx", "Inc",
            "Ltd", "Co", "Gen", "Col", "Capt",
    };

    /// <summary>The borders in (start, limit], ascending; the end of the text is a border of every kind.</summary>
    public static List<int> Find(string text, int start, int limit, BorderKind kind)
    {
        var borders = new List<int>();
        for (int i = start + 1; i < limit; i++)
        {
            if (IsBorder(text, start, i, kind)) borders.Add(i);
        }

        if (limit == text.Length && limit > start) borders.Add(limit);
        return borders;
    }

    /// <summary><paramref name="index"/>, or one less where it would cut a surrogate pair.</summary>
    public static int WholeCharacter(string text, int index) =>
        index > 0 && index < text.Length && char.IsSurrogatePair(text[index - 1], text[index]) ? index - 1 : index;

    private static bool IsBorder(string text, int start, int index, BorderKind kind)
    {
        if (kind == BorderKind.Character) return WholeCharacter(text, index) == index;

        // No border before the first word: leading white space stays with it.
        if (char.IsWhiteSpace(text[index]) || text.AsSpan(start, index - start).IsWhiteSpace()) return false;
        int wordEnd = index;
        int lineBreaks = 0;
        while (wordEnd > start && char.IsWhiteSpace(text[wordEnd - 1])) lineBreaks += text[--wordEnd] == '\n' ? 1 : 0;
        bool spaced = wordEnd < index;
        return kind switch
        {
            BorderKind.Paragraph => lineBreaks >= 2,
            BorderKind.Sentence => lineBreaks >= 1 || EndsWide(text, index) || (spaced && EndsSentence(text, start, wordEnd, text[index])),
            _ => spaced || EndsWide(text, index) || IsWide(text[index - 1]),
        };
    }

    private static bool EndsSentence(string text, int start, int end, char next)
    {
        int i = end - 1;
        while (i > start && text[i] is '"' or '\'' or ')' or ']' or '”' or '’' or '»')
        {
            i--;
        }

        if (text[i] is not ('.' or '!' or '?' or '…') || char.IsLower(next)) return false;
        return text[i] != '.' || !IsAbbreviation(text, start, i);
    }

    private static bool IsAbbreviation(string text, int start, int dot)
    {
        int from = dot;
        while (from > start && (char.IsLetter(text[from - 1]) || text[from - 1] == '.')) from--;
        string word = text[from..dot];
        return word is [>= 'A' and <= 'Z'] || s_abbreviations.Contains(word);
    }

    /// <summary>Sentence ends of scripts that put no space behind them.</summary>
    private static bool EndsWide(string text, int index) => text[index - 1] is '。' or '！' or '？';

    /// <summary>Scripts written without spaces (Han, kana): every character is a word here.</summary>
    private static bool IsWide(char c) => c is >= '\u3040' and <= '\u30FF' or >= '\u3400' and <= '\u4DBF' or >= '\u4E00' and <= '\u9FFF';
}
