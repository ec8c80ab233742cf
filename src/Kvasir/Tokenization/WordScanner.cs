namespace Kvasir.Tokenization;

/// <summary>
/// The family of patterns that began with GPT-2's, as one hand-written scan instead of a regular expression:
/// contractions | words | numbers | everything else | white space, the last character of a run of blanks going to the word after it.
/// The properties say in what a member of the family differs; <see cref="PreTokenizers"/> has the patterns.
/// </summary>
internal sealed class WordScanner : PreTokenizer
{
    /// <summary>Where <c>'s 't 're 've 'm 'll 'd</c> stand in the pattern.</summary>
    internal enum Contraction
    {
        None,

        /// <summary>As the first alternative, lower case only.</summary>
        Exact,

        /// <summary>As the first alternative, any case.</summary>
        AnyCase,

        /// <summary>Optionally at the end of a word, any case.</summary>
        AfterWord,
    }

    /// <summary>Treatment of contractions.</summary>
    public Contraction Contractions { get; init; }

    /// <summary>A word may begin with any one character that is no letter, number or line break; otherwise only with a space.</summary>
    public bool AnyWordPrefix { get; init; }

    /// <summary>Words end where lower case turns to upper case, and marks belong to them.</summary>
    public bool CasedWords { get; init; }

    /// <summary>The most characters of a number.</summary>
    public int LongestNumber { get; init; } = int.MaxValue;

    /// <summary>A number may begin with a space.</summary>
    public bool NumberTakesSpace { get; init; }

    /// <summary>Numbers were cut out before: white space does not look over them.</summary>
    public bool NumberEndsFragment { get; init; }

    /// <summary>Characters, none or some, that everything-else takes along at its end.</summary>
    public string OtherSuffix { get; init; } = "";

    /// <summary>White space up to its last line break is one piece.</summary>
    public bool BreaksEndSpace { get; init; }

    /// <inheritdoc/>
    public override void Split(ReadOnlySpan<char> text, IPieceSink sink)
    {
        for (int at = 0; at < text.Length;)
        {
            int end = End(text, at);
            sink.Add(text[at..end]);
            at = end;
        }
    }

    private int End(ReadOnlySpan<char> text, int at)
    {
        CharClass first = CharClasses.At(text, at, out int length);
        if (text[at] == '\'' && Contractions is Contraction.Exact or Contraction.AnyCase
            && ContractionLength(text, at) is > 0 and int contraction)
            return at + contraction;
        int end = CasedWords ? CasedWordEnd(text, at, first, length) : WordEnd(text, at, first, length);
        if (end > at) return Contractions == Contraction.AfterWord ? end + ContractionLength(text, end) : end;
        if ((first & CharClass.Number) != 0) return NumberEnd(text, at);
        bool space = text[at] == ' ' && at + 1 < text.Length;
        if (space)
        {
            CharClass second = CharClasses.At(text, at + 1, out _);
            if (NumberTakesSpace && (second & CharClass.Number) != 0) return NumberEnd(text, at + 1);
            if ((second & (CharClass.Letter | CharClass.Number | CharClass.Space)) == 0) return OtherEnd(text, at + 1);
        }
        return (first & CharClass.Space) != 0 ? SpaceEnd(text, at) : OtherEnd(text, at);
    }

    /// <summary><c>[^\r\n\p{L}\p{N}]?\p{L}+</c> or <c> ?\p{L}+</c>; the start where there is none.</summary>
    private int WordEnd(ReadOnlySpan<char> text, int at, CharClass first, int length)
    {
        int start = at;
        if ((first & CharClass.Letter) == 0)
        {
            start += length;
            bool prefix = AnyWordPrefix ? IsAnyPrefix(text[at], first) : text[at] == ' ';
            if (!prefix || start >= text.Length || (CharClasses.At(text, start, out length) & CharClass.Letter) == 0)
                return at;
        }
        return RunEnd(text, start + length, CharClass.Letter);
    }

    /// <summary>
    /// <c>P?U*L+ | P?U+L*</c> where P is a prefix, U upper case and L lower case, letters without case and marks belonging to both:
    /// with the prefix first, then without it, the first form before the second.
    /// </summary>
    private static int CasedWordEnd(ReadOnlySpan<char> text, int at, CharClass first, int length)
    {
        bool prefix = IsAnyPrefix(text[at], first);
        int afterPrefix = at + length;
        int end = prefix && LowerEnding(text, afterPrefix) is > 0 and int withPrefix ? withPrefix : LowerEnding(text, at);
        if (end > 0) return end;
        end = prefix ? UpperRunEnd(text, afterPrefix, out _) : afterPrefix;
        return end > afterPrefix ? end : UpperRunEnd(text, at, out _);
    }

    /// <summary>The end of <c>U*L+</c>, or 0. Without an L behind it, the run of U is given back to its last caseless character.</summary>
    private static int LowerEnding(ReadOnlySpan<char> text, int at)
    {
        int end = UpperRunEnd(text, at, out int afterCaseless);
        int lower = end;
        while (lower < text.Length && IsWord(CharClasses.At(text, lower, out int length), CharClass.Upper)) lower += length;
        return lower > end ? lower : afterCaseless;
    }

    private static int UpperRunEnd(ReadOnlySpan<char> text, int at, out int afterCaseless)
    {
        afterCaseless = 0;
        while (at < text.Length)
        {
            CharClass next = CharClasses.At(text, at, out int length);
            if (!IsWord(next, CharClass.Lower)) break;
            at += length;
            if ((next & CharClass.Upper) == 0) afterCaseless = at;
        }
        return at;
    }

    private static bool IsWord(CharClass value, CharClass without) =>
        (value & (CharClass.Letter | CharClass.Mark)) != 0 && (value & without) == 0;

    private static bool IsAnyPrefix(char unit, CharClass value) =>
        (value & (CharClass.Letter | CharClass.Number)) == 0 && unit is not ('\r' or '\n');

    private int NumberEnd(ReadOnlySpan<char> text, int at)
    {
        for (int count = 0; count < LongestNumber && at < text.Length; count++)
        {
            if ((CharClasses.At(text, at, out int length) & CharClass.Number) == 0) break;
            at += length;
        }

        return at;
    }

    private int OtherEnd(ReadOnlySpan<char> text, int at)
    {
        const CharClass Outside = CharClass.Letter | CharClass.Number | CharClass.Space;
        while (at < text.Length && (CharClasses.At(text, at, out int length) & Outside) == 0) at += length;
        while (at < text.Length && OtherSuffix.Contains(text[at], StringComparison.Ordinal)) at++;
        return at;
    }

    private int SpaceEnd(ReadOnlySpan<char> text, int at)
    {
        int end = RunEnd(text, at, CharClass.Space);
        if (BreaksEndSpace && text[at..end].LastIndexOfAny('\r', '\n') is >= 0 and int last) return at + last + 1;
        bool fragmentEnds = end == text.Length || (NumberEndsFragment && (CharClasses.At(text, end, out _) & CharClass.Number) != 0);
        return fragmentEnds || end == at + 1 ? end : end - 1;
    }

    private static int RunEnd(ReadOnlySpan<char> text, int at, CharClass member)
    {
        while (at < text.Length && (CharClasses.At(text, at, out int length) & member) != 0) at += length;
        return at;
    }

    /// <summary>The length of a contraction at <paramref name="at"/>, or 0. U+017F folds to s.</summary>
    private int ContractionLength(ReadOnlySpan<char> text, int at)
    {
        if (at + 1 >= text.Length || text[at] != '\'') return 0;
        char first = Fold(text[at + 1]);
        char second = at + 2 < text.Length ? Fold(text[at + 2]) : '\0';
        return first switch
        {
            's' or 't' or 'm' or 'd' => 2,
            'r' or 'v' when second == 'e' => 3,
            'l' when second == 'l' => 3,
            _ => 0,
        };
    }

    private char Fold(char unit) => Contractions == Contraction.Exact ? unit : unit == '\u017F' ? 's' : char.ToLowerInvariant(unit);
}
