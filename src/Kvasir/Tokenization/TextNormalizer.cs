using System.Text.RegularExpressions;

namespace Kvasir.Tokenization;

/// <summary>What is done to plain text before it is cut into pieces: steps in order. Immutable.</summary>
internal sealed class TextNormalizer(params TextNormalizer.Step[] steps)
{
    /// <summary>One step. It may give back the text itself.</summary>
    /// <param name="text">A stretch of text between special tokens; never empty.</param>
    /// <param name="first">Whether it begins the whole text.</param>
    internal delegate ReadOnlySpan<char> Step(ReadOnlySpan<char> text, bool first);

    /// <summary>The normalised text.</summary>
    public ReadOnlySpan<char> Normalize(ReadOnlySpan<char> text, bool first)
    {
        foreach (Step step in steps)
        {
            if (text.IsEmpty) break;
            text = step(text, first);
        }
        return text;
    }

    /// <summary>Unicode normalisation form C.</summary>
    public static ReadOnlySpan<char> Nfc(ReadOnlySpan<char> text, bool first) => UnicodeNormalization.Compose(text);

    /// <summary>Unicode normalisation form D.</summary>
    public static ReadOnlySpan<char> Nfd(ReadOnlySpan<char> text, bool first) => UnicodeNormalization.Decompose(text);

    /// <summary>Lower case, character by character: one letter alone, I with a dot, becomes two characters.</summary>
    public static ReadOnlySpan<char> Lowercase(ReadOnlySpan<char> text, bool first) =>
        text.ToString().ToLowerInvariant().Replace("\u0130", "i\u0307", StringComparison.Ordinal);

    /// <summary>Drops non-spacing marks.</summary>
    public static ReadOnlySpan<char> StripAccents(ReadOnlySpan<char> text, bool first) =>
        Without(text, category => category == UnicodeCategory.NonSpacingMark);

    /// <summary>Drops marks of all three kinds.</summary>
    public static ReadOnlySpan<char> StripMarks(ReadOnlySpan<char> text, bool first) => Without(text, category =>
        category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark);

    /// <summary>Takes white space from the wanted ends.</summary>
    public static Step Trim(bool start, bool end) => (text, _) =>
    {
        text = start ? text.TrimStart() : text;
        return end ? text.TrimEnd() : text;
    };

    private static ReadOnlySpan<char> Without(ReadOnlySpan<char> text, Func<UnicodeCategory, bool> goes)
    {
        if (text.IndexOfAnyExceptInRange('\0', '\u02FF') < 0) return text;
        var kept = new StringBuilder(text.Length);
        Span<char> units = stackalloc char[2];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!goes(Rune.GetUnicodeCategory(rune)))
                kept.Append(units[..rune.EncodeToUtf16(units)]);
        }
        return kept.ToString();
    }

    /// <summary>Puts <paramref name="prefix"/> before every stretch, or only before the first.</summary>
    public static Step Prepend(string prefix, bool onlyFirst = false, bool unlessThere = false) => (text, first) =>
        (onlyFirst && !first) || (unlessThere && text.StartsWith(prefix, StringComparison.Ordinal)) ? text : string.Concat(prefix, text);

    /// <summary>Replaces a text.</summary>
    public static Step Replace(string what, string by) => what is [char from] && by is [char to]
        ? (text, _) => ReplaceUnit(text, from, to)
        : (text, _) => text.ToString().Replace(what, by, StringComparison.Ordinal);

    /// <summary>Replaces a pattern's matches.</summary>
    /// <exception cref="InvalidInputException">The runtime cannot read the pattern.</exception>
    public static Step ReplacePattern(string pattern, string by)
    {
        Regex regex = RegexSplitter.Parse(pattern);
        return (text, _) =>
        {
            try
            {
                return regex.Replace(text.ToString(), _ => by);
            }
            catch (RegexMatchTimeoutException problem)
            {
                throw RegexSplitter.TooSlow(regex, problem);
            }
        };
    }

    private static ReadOnlySpan<char> ReplaceUnit(ReadOnlySpan<char> text, char from, char to)
    {
        if (!text.Contains(from)) return text;
        char[] changed = new char[text.Length];
        text.Replace(changed, from, to);
        return changed;
    }
}
