namespace Kvasir.Tokenization.Jinja;

/// <summary>Letter case as Python has it: Unicode's full mappings, where one letter may become several.</summary>
internal static class LetterCase
{
    /// <summary>Unicode's SpecialCasing.txt: letters whose capital form is several letters, each followed by that form.</summary>
    private const string Several =
        "ßSS|ŉ\u02BCN|ǰJ\u030C|\u0390\u0399\u0308\u0301|\u03B0\u03A5\u0308\u0301|\u0587\u0535\u0552|\u1E96H\u0331|\u1E97T\u0308"
        + "|\u1E98W\u030A|\u1E99Y\u030A|\u1E9AA\u02BE|\u1F50\u03A5\u0313|\u1F52\u03A5\u0313\u0300|\u1F54\u03A5\u0313\u0301"
        + "|\u1F56\u03A5\u0313\u0342|\u1FB2\u1FBA\u0399|\u1FB3\u0391\u0399|\u1FB4\u0386\u0399|\u1FB6\u0391\u0342"
        + "|\u1FB7\u0391\u0342\u0399|\u1FBC\u0391\u0399|\u1FC2\u1FCA\u0399|\u1FC3\u0397\u0399|\u1FC4\u0389\u0399"
        + "|\u1FC6\u0397\u0342|\u1FC7\u0397\u0342\u0399|\u1FCC\u0397\u0399|\u1FD2\u0399\u0308\u0300|\u1FD3\u0399\u0308\u0301"
        + "|\u1FD6\u0399\u0342|\u1FD7\u0399\u0308\u0342|\u1FE2\u03A5\u0308\u0300|\u1FE3\u03A5\u0308\u0301|\u1FE4\u03A1\u0313"
        + "|\u1FE6\u03A5\u0342|\u1FE7\u03A5\u0308\u0342|\u1FF2\u1FFA\u0399|\u1FF3\u03A9\u0399|\u1FF4\u038F\u0399"
        + "|\u1FF6\u03A9\u0342|\u1FF7\u03A9\u0342\u0399|\u1FFC\u03A9\u0399|ﬀFF|ﬁFI|ﬂFL|ﬃFFI|ﬄFFL|ﬅST|ﬆST|\uFB13\u0544\u0546"
        + "|\uFB14\u0544\u0535|\uFB15\u0544\u053B|\uFB16\u054E\u0546|\uFB17\u0544\u053D";

    /// <summary>Digraphs: capital, capital first letter, small.</summary>
    private const string Digraphs = "\u01C4\u01C5\u01C6\u01C7\u01C8\u01C9\u01CA\u01CB\u01CC\u01F1\u01F2\u01F3";

    private static readonly Dictionary<int, string> s_upper = Several.Split('|').ToDictionary(entry => (int)entry[0], entry => entry[1..]);

    public static string Upper(string text) => Ascii.IsValid(text) ? text.ToUpperInvariant() : Each(text, (rune, _) => Upper(rune));

    public static string Lower(string text) => Ascii.IsValid(text)
        ? text.ToLowerInvariant() : Each(text, (rune, at) => Lower(text, rune, at));

    /// <summary>For comparing without regard to case.</summary>
    public static string Fold(string text) => Each(Upper(Lower(text)), (rune, _) => Lower(rune));

    /// <summary>First letter large, the rest small.</summary>
    public static string Capitalize(string text) => Each(text, (rune, at) => at == 0 ? Title(rune) : Lower(text, rune, at));

    public static string Swap(string text) =>
        Each(text, (rune, at) => IsUpper(rune) ? Lower(text, rune, at) : IsLower(rune) ? Upper(rune) : rune.ToString());

    /// <summary>Letters that follow none large, others small (<c>str.title</c>).</summary>
    public static string Title(string text)
    {
        bool inWord = false;
        return Each(text, (rune, at) =>
        {
            string result = inWord ? Lower(text, rune, at) : Title(rune);
            inWord = IsCased(rune);
            return result;
        });
    }

    /// <summary>Words between blanks, hyphens and brackets capitalised (the filter <c>title</c>).</summary>
    public static string TitleWords(string text)
    {
        bool inWord = false;
        return Each(text, (rune, at) =>
        {
            bool between = Rune.IsWhiteSpace(rune) || rune.Value is '-' or '(' or '{' or '[' or '<' or (>= 0x1c and <= 0x1f);
            string result = inWord ? Lower(text, rune, at) : Upper(rune);
            inWord = !between;
            return result;
        });
    }

    public static bool IsUpper(string text) => IsAll(text, IsUpper, IsLower);

    public static bool IsLower(string text) => IsAll(text, IsLower, IsUpper);

    /// <summary>Whether every word begins large and goes on small.</summary>
    public static bool IsTitle(string text)
    {
        bool any = false, inWord = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if ((IsUpper(rune) && inWord) || (IsLower(rune) && !inWord)) return false;
            inWord = IsCased(rune);
            any |= inWord;
        }

        return any;
    }

    private static bool IsAll(string text, Func<Rune, bool> wanted, Func<Rune, bool> unwanted)
    {
        bool any = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (unwanted(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter) return false;
            any |= wanted(rune);
        }

        return any;
    }

    private static bool IsUpper(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.UppercaseLetter
            || rune.Value is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF);

    private static bool IsLower(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.LowercaseLetter
        || rune.Value is 0xAA or 0xBA or (>= 0x2B0 and <= 0x2B8) or 0x2C0 or 0x2C1
            or (>= 0x2E0 and <= 0x2E4) or (>= 0x2170 and <= 0x217F) or (>= 0x24D0 and <= 0x24E9);

    private static bool IsCased(Rune rune) =>
        IsUpper(rune) || IsLower(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter;

    private static string Each(string text, Func<Rune, int, string> change)
    {
        var result = new StringBuilder(text.Length);
        int at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            result.Append(change(rune, at));
            at += rune.Utf16SequenceLength;
        }

        return result.ToString();
    }

    private static string Upper(Rune rune) => rune.Value switch
    {
        '\u0131' => "I",
        '\u017F' => "S",
        >= 0x1F80 and < 0x1FB0 => GreekWithIota(rune.Value),
        _ => s_upper.GetValueOrDefault(rune.Value) ?? Rune.ToUpperInvariant(rune).ToString(),
    };

    /// <summary>Letters with an iota below are written with a capital iota behind; the accents come in eights, small and capital.</summary>
    private static string GreekWithIota(int code) =>
        $"{(char)((code < 0x1F90 ? 0x1F08 : code < 0x1FA0 ? 0x1F28 : 0x1F68) + (code & 7))}\u0399";

    private static string Title(Rune rune)
    {
        int digraph = rune.IsBmp ? Digraphs.IndexOf((char)rune.Value, StringComparison.Ordinal) : -1;
        if (digraph >= 0) return Digraphs[(digraph / 3 * 3) + 1].ToString();
        if (rune.Value is >= 0x1F80 and < 0x1FB0) return ((char)(rune.Value | 8)).ToString();
        if (rune.Value is >= 0x10D0 and <= 0x10FF) return rune.ToString();
        string upper = Upper(rune);
        return upper.Length > 1 && rune.IsBmp && rune.Value != '\u0149' ? upper[..1] + Lower(upper[1..]) : upper;
    }

    private static string Lower(Rune rune) => rune.Value == '\u0130' ? "i\u0307" : Rune.ToLowerInvariant(rune).ToString();

    /// <summary>A capital sigma at the end of a word becomes the final one.</summary>
    private static string Lower(string text, Rune rune, int at) =>
        rune.Value == '\u03A3' && Borders(text, at - 1, -1) && !Borders(text, at + 1, 1) ? "\u03C2" : Lower(rune);

    /// <summary>Whether the next letter in a direction, over marks and apostrophes, is one with case.</summary>
    private static bool Borders(string text, int at, int step)
    {
        const int FarthestMark = 100;
        for (int i = 0; i < FarthestMark && at >= 0 && at < text.Length; i++, at += step)
        {
            if (char.IsSurrogate(text[at])) return false;
            if (IsCased((Rune)text[at])) return true;
            if (!IsIgnored(text[at])) return false;
        }

        return false;
    }

    private static bool IsIgnored(char c) => c is '\'' or '.' or ':' or '·' or '’' or '\u00AD' or '^' or '`' or '¨'
        || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
