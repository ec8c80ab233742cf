using static Kvasir.Generation.Constraints.GrammarExpression;

namespace Kvasir.Generation.Constraints;

/// <summary>
/// Regular expressions (ECMA-262, by code points) for the strings of a JSON schema, as far as they are regular: characters, classes,
/// <c>.</c>, groups, <c>|</c>, <c>? * + {m,n}</c> and anchors at the ends. What is not anchored stands anywhere in the string. Readers
/// disagree about <c>\s</c> beyond ASCII, and about <c>.</c> and <c>[^…]</c> beyond the basic plane, so neither is generated.
/// </summary>
internal sealed class JsonPattern
{
    private const int MostLength = 1_000, MostDepth = 16, MostRepeats = 1_000, MostCharacters = 5_000;

    private static readonly GrammarExpression Anything = new Repeat(JsonGrammar.Character, 0, null);
    private static readonly (int, int)[] Digit = [('0', '9')], Word = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        Space = [('\t', '\r'), (' ', ' ')], LineEnds = [('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029)], BeyondBasic = [(0x10000, 0x10FFFF)],
        WideSpace = [.. Space, (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x180E, 0x180E), (0x2000, 0x200B), (0x2028, 0x2029),
            (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)];

    private readonly string _source;
    private int _at, _depth;

    private JsonPattern(string source) => _source = source;

    /// <summary>The strings, quotes and escapes included, that a pattern matches.</summary>
    /// <exception cref="InvalidInputException">It is no pattern, has parts that are not supported, or is too large.</exception>
    public static GrammarExpression Of(string pattern)
    {
        if (pattern.Length > MostLength) throw JsonSchemaGrammar.Wrong($"a pattern has more than {MostLength} characters");
        return GrammarExpression.Of(Text("\""), new JsonPattern(pattern).Anchored(), Text("\""));
    }

    private Choice Anchored()
    {
        var choices = new List<GrammarExpression>();
        int size = 0;
        do
        {
            GrammarExpression before = Take("^") ? Nothing : Anything;
            Part body = Parts();
            bool toEnd = Take("$");
            if (toEnd && _at < _source.Length && _source[_at] != '|') throw Misplaced('$');
            choices.Add(GrammarExpression.Of(before, body.Grammar, toEnd ? Nothing : Anything));
            size = Sized(size + body.Characters);
        }
        while (Take("|"));
        return _at == _source.Length ? new Choice(choices) : throw Unexpected();
    }

    private Part Choices()
    {
        if (++_depth > MostDepth) throw Wrong($"groups are nested more than {MostDepth} deep");
        var choices = new List<Part>();
        do choices.Add(Parts());
        while (Take("|"));
        _depth--;
        return new Part(new Choice([.. choices.Select(choice => choice.Grammar)]), Sized(choices.Sum(choice => choice.Characters)));
    }

    private Part Parts()
    {
        var parts = new List<GrammarExpression>();
        int size = 0;
        while (_at < _source.Length && _source[_at] is not ('|' or ')' or '$'))
        {
            Part part = Repeated(One());
            parts.Add(part.Grammar);
            size = Sized(size + part.Characters);
        }

        return new Part(new Sequence(parts), size);
    }

    private Part One()
    {
        if (Take("(")) return Group();
        if (Take("[")) return Of(Class());
        if (Take(".")) return Of(Except([.. LineEnds]));
        if (Take("\\")) return Of(Escape(inClass: false));
        return _source[_at] is '*' or '+' or '?' or '{' or '^' ? throw Unexpected() : Of([Plain()]);
    }

    private Part Group()
    {
        if (_at < _source.Length && _source[_at] == '?' && !Take("?:"))
            throw Wrong($"{(Take("?=") || Take("?!") ? "lookahead" : Take("?<=") || Take("?<!") ? "lookbehind" : Take("?<")
                ? "a named group" : "(?")} is not supported");
        Part inner = Choices();
        return Take(")") ? inner : _at < _source.Length ? throw Unexpected() : throw Wrong(") is missing");
    }

    /// <summary>What repeats lazily takes the same texts.</summary>
    private Part Repeated(Part part)
    {
        (int least, int? most) = Take("*") ? (0, null) : Take("+") ? (1, null) : Take("?") ? (0, 1) : Take("{") ? Counts()
            : (-1, (int?)null);
        if (least < 0) return part;
        Take("?");
        return new Part(new Repeat(part.Grammar, least, most), Sized(Math.Max(1, part.Characters) * (most ?? Math.Max(1, least))));
    }

    private (int Least, int? Most) Counts()
    {
        int least = Number();
        int? most = !Take(",") ? least : _at < _source.Length && _source[_at] == '}' ? null : Number();
        return !Take("}") ? throw Wrong("} is missing behind a number of repeats") : most < least ? throw Wrong("{m,n} with n below m")
            : (least, most);
    }

    private int Number()
    {
        int start = _at;
        while (_at < _source.Length && char.IsAsciiDigit(_source[_at])) _at++;
        return int.TryParse(_source.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number <= MostRepeats ? number : throw Wrong($"a number of repeats from 0 to {MostRepeats} is missing behind {{");
    }

    private List<(int First, int Last)> Class()
    {
        bool except = Take("^");
        var ranges = new List<(int First, int Last)>();
        while (!Take("]"))
        {
            List<(int First, int Last)> some = InClass();
            bool isRange = _at + 1 < _source.Length && _source[_at] == '-' && _source[_at + 1] != ']';
            if (isRange)
            {
                _at++;
                some = (some, InClass()) is ([var (first, same)], [var (last, end)]) && first == same && last == end && first <= last
                    ? [(first, last)] : throw Wrong("a range of characters runs backwards, or from or to a class");
            }

            ranges.AddRange(some);
        }

        return ranges.Count == 0 ? throw Wrong("an empty class") : except ? Except(ranges) : ranges;
    }

    private List<(int First, int Last)> InClass() =>
        _at >= _source.Length ? throw Wrong("] is missing") : Take("\\") ? Escape(inClass: true) : [Plain()];

    private List<(int First, int Last)> Escape(bool inClass)
    {
        char escape = _at < _source.Length ? _source[_at++] : throw Wrong("\\ at the end");
        return escape switch
        {
            'd' => [.. Digit],
            'w' => [.. Word],
            's' => [.. Space],
            'D' => Except(Digit),
            'W' => Except(Word),
            'S' => Except(WideSpace),
            'n' => One('\n'),
            'r' => One('\r'),
            't' => One('\t'),
            'f' => One('\f'),
            'v' => One('\v'),
            '0' when _at == _source.Length || !char.IsAsciiDigit(_source[_at]) => One('\0'),
            'b' when inClass => One('\b'),
            'x' => One(Hexadecimal(2)),
            'u' => One(Hexadecimal(4)),
            'b' or 'B' => throw Wrong($"the word border \\{escape} is not supported"),
            'p' or 'P' => throw Wrong($"\\{escape}{{…}} is not supported"),
            'k' or (>= '1' and <= '9') => throw Wrong($"the back reference \\{escape} is not supported"),
            _ when char.IsAscii(escape) && !char.IsAsciiLetterOrDigit(escape) => One(escape),
            _ => throw Wrong($"the escape \\{escape} is not supported"),
        };

        static List<(int, int)> One(int character) => [(character, character)];
    }

    private int Hexadecimal(int digits) =>
        _at + digits <= _source.Length && int.TryParse(
            _source.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
            && Rune.IsValid(value) && (_at += digits) > 0 ? value : throw Wrong("an escape names no character by itself");

    private (int, int) Plain()
    {
        if (!Rune.TryGetRuneAt(_source, _at, out Rune rune)) throw Wrong("half a surrogate pair");
        _at += rune.Utf16SequenceLength;
        return (rune.Value, rune.Value);
    }

    private static List<(int First, int Last)> Except(IReadOnlyList<(int, int)> ranges) =>
        [.. Characters.Except([.. ranges, .. BeyondBasic]).Ranges];

    private static Part Of(List<(int First, int Last)> ranges) =>
        ranges.Count > 0 ? new Part(JsonGrammar.CharacterOf(ranges), 1) : throw Wrong("a class without a character");

    private bool Take(string text)
    {
        if (!_source.AsSpan(_at).StartsWith(text, StringComparison.Ordinal)) return false;
        _at += text.Length;
        return true;
    }

    private static int Sized(long characters) => characters <= MostCharacters ? (int)characters
        : throw Wrong($"too large, it takes more than {MostCharacters} characters when its repeats are written out");

    private static InvalidInputException Misplaced(char anchor) =>
        Wrong($"the anchor {anchor} is supported only at the ends of the pattern and of its outermost alternatives");

    private InvalidInputException Unexpected() => _source[_at] is '^' or '$' ? Misplaced(_source[_at])
        : Wrong($"{_source[_at]} without what it belongs to at character {_at + 1}; write \\{_source[_at]} for the character");

    private static InvalidInputException Wrong(string what) => JsonSchemaGrammar.Wrong($"pattern: {what}");

    /// <summary>A part and how many characters it takes when all repeats are written out.</summary>
    private readonly record struct Part(GrammarExpression Grammar, int Characters);
}
