namespace Kvasir.Tokenization;

/// <summary>The classes of characters that pre-tokenizer patterns speak of.</summary>
[Flags]
internal enum CharClass : byte
{
    /// <summary>Control, unassigned, private: none of the others.</summary>
    None = 0,

    /// <summary><c>\p{L}</c></summary>
    Letter = 1,

    /// <summary><c>\p{N}</c></summary>
    Number = 2,

    /// <summary><c>\s</c>, the property White_Space.</summary>
    Space = 4,

    /// <summary><c>\p{Lu}\p{Lt}</c></summary>
    Upper = 8,

    /// <summary><c>\p{Ll}</c></summary>
    Lower = 16,

    /// <summary><c>\p{M}</c></summary>
    Mark = 32,

    /// <summary><c>\p{P}</c></summary>
    Punctuation = 64,

    /// <summary><c>\p{S}</c></summary>
    Symbol = 128,
}

/// <summary>Looks classes up: a table for the basic plane, the runtime's data beyond it.</summary>
internal static class CharClasses
{
    private static readonly CharClass[] s_table = Table();

    /// <summary>The class of the character at <paramref name="at"/> and how many UTF-16 units it takes.</summary>
    public static CharClass At(ReadOnlySpan<char> text, int at, out int length)
    {
        char unit = text[at];
        length = 1;
        return char.IsHighSurrogate(unit) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1])
            ? Supplementary(unit, text[at + 1], out length)
            : s_table[unit];
    }

    /// <summary>The class of one UTF-16 unit; <see cref="CharClass.None"/> for half a surrogate pair.</summary>
    public static CharClass Of(char unit) => s_table[unit];

    /// <summary>The class of a code point.</summary>
    public static CharClass Of(Rune rune) => rune.IsBmp ? s_table[rune.Value] : Of(Rune.GetUnicodeCategory(rune));

    private static CharClass Supplementary(char high, char low, out int length)
    {
        length = 2;
        return Of(Rune.GetUnicodeCategory(new Rune(high, low)));
    }

    private static CharClass[] Table()
    {
        var table = new CharClass[0x10000];
        for (int unit = 0; unit < table.Length; unit++)
            table[unit] =
                Of(CharUnicodeInfo.GetUnicodeCategory((char)unit)) | (char.IsWhiteSpace((char)unit) ? CharClass.Space : CharClass.None);
        return table;
    }

    private static CharClass Of(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharClass.Letter | CharClass.Upper,
        UnicodeCategory.LowercaseLetter => CharClass.Letter | CharClass.Lower,
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharClass.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharClass.Number,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharClass.Mark,
        >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation => CharClass.Punctuation,
        >= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol => CharClass.Symbol,
        _ => CharClass.None,
    };
}
