using static Kvasir.Generation.Constraints.GrammarExpression;

namespace Kvasir.Generation.Constraints;

/// <summary>
/// Reads GBNF: <c>name ::= …</c> with texts in quotes, character classes, <c>.</c>, groups, <c>|</c>, <c>* + ?</c>, <c>{m,n}</c> and
/// comments from <c>#</c> to the end of the line. A rule goes on over lines until the next <c>name ::=</c>.
/// </summary>
internal sealed class GbnfParser(string source)
{
    private const int MostLength = 1 << 16, MostDepth = 64, MostRepeats = 4096;
    private int _at;
    private int _depth;

    public Dictionary<string, GrammarExpression> Parse()
    {
        if (source.Length > MostLength) throw new InvalidInputException($"grammar: {source.Length} characters, {MostLength} are allowed");
        var rules = new Dictionary<string, GrammarExpression>(StringComparer.Ordinal);
        for (SkipBlank(); _at < source.Length; SkipBlank())
        {
            string name = Name();
            SkipBlank();
            if (!Take("::=")) throw Wrong("::= is missing behind a rule's name");
            if (!rules.TryAdd(name, Choices())) throw Wrong($"the rule {name} is there twice");
        }

        return rules;
    }

    private GrammarExpression Choices()
    {
        if (++_depth > MostDepth) throw Wrong($"groups are nested more than {MostDepth} deep");
        var choices = new List<GrammarExpression>();
        do
        {
            choices.Add(Parts());
        }
        while (Take("|"));
        _depth--;
        return choices is [var one] ? one : new Choice(choices);
    }

    private Sequence Parts()
    {
        var parts = new List<GrammarExpression>();
        for (SkipBlank(); _at < source.Length && source[_at] is not ('|' or ')') && !IsNextRule(); SkipBlank())
            parts.Add(Repeated(Part()));
        return new Sequence(parts);
    }

    private GrammarExpression Part()
    {
        switch (source[_at])
        {
            case '"':
                _at++;
                var text = new StringBuilder();
                while (!Take("\"")) text.Append(char.ConvertFromUtf32(Character()));
                return Text(text.ToString());
            case '[':
                return Class();
            case '.':
                _at++;
                return Characters.Except([]);
            case '(':
                _at++;
                GrammarExpression inner = Choices();
                return Take(")") ? inner : throw Wrong(") is missing");
            default:
                return new Rule(Name());
        }
    }

    private Characters Class()
    {
        _at++;
        bool except = Take("^");
        var ranges = new List<(int, int)>();
        while (!Take("]"))
        {
            int first = Character();
            bool isRange = _at + 1 < source.Length && source[_at] == '-' && source[_at + 1] != ']';
            if (isRange) _at++;
            int last = isRange ? Character() : first;
            ranges.Add(last >= first ? (first, last) : throw Wrong("a range of characters runs backwards"));
        }

        return except ? Characters.Except(ranges) : new Characters(ranges);
    }

    private GrammarExpression Repeated(GrammarExpression part)
    {
        if (Take("*")) return new Repeat(part, 0, null);
        if (Take("+")) return new Repeat(part, 1, null);
        if (Take("?")) return Optional(part);
        if (!Take("{")) return part;
        int least = Number();
        int? most = least;
        if (Take(",")) most = Take("}") ? null : Number();
        else if (!Take("}")) throw Wrong("} is missing");
        if (most is not null && source[_at - 1] != '}' && !Take("}")) throw Wrong("} is missing");
        return most >= least || most is null ? new Repeat(part, least, most) : throw Wrong("{m,n} with n below m");
    }

    private int Number()
    {
        int start = _at;
        while (_at < source.Length && char.IsAsciiDigit(source[_at])) _at++;
        return int.TryParse(source.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number <= MostRepeats ? number : throw Wrong($"a number of repeats from 0 to {MostRepeats} is missing");
    }

    /// <summary>One character of a text or class, escapes read.</summary>
    private int Character()
    {
        if (_at >= source.Length) throw Wrong("a text or class has no end");
        if (source[_at] != '\\')
        {
            if (!Rune.TryGetRuneAt(source, _at, out Rune rune)) throw Wrong("half a surrogate pair");
            _at += rune.Utf16SequenceLength;
            return rune.Value;
        }

        char escape = ++_at < source.Length ? source[_at++] : throw Wrong("a text or class has no end");
        return escape switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'x' => Hexadecimal(2),
            'u' => Hexadecimal(4),
            'U' => Hexadecimal(8),
            '\\' or '"' or '[' or ']' or '-' or '^' => escape,
            _ => throw Wrong($"\\{escape} is no escape here"),
        };
    }

    private int Hexadecimal(int digits) =>
        _at + digits <= source.Length && int.TryParse(
            source.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
            && Rune.IsValid(value) && (_at += digits) > 0 ? value : throw Wrong("an escape names no character");

    private string Name()
    {
        int start = _at;
        while (_at < source.Length && (char.IsAsciiLetterOrDigit(source[_at]) || source[_at] is '-' or '_')) _at++;
        return _at > start ? source[start.._at] : throw Wrong("a rule's name, a text or a class is missing");
    }

    private bool IsNextRule()
    {
        int before = _at;
        while (_at < source.Length && (char.IsAsciiLetterOrDigit(source[_at]) || source[_at] is '-' or '_')) _at++;
        bool named = _at > before;
        SkipBlank();
        bool found = named && source.AsSpan(_at).StartsWith("::=", StringComparison.Ordinal);
        _at = before;
        return found;
    }

    private bool Take(string text)
    {
        if (!source.AsSpan(_at).StartsWith(text, StringComparison.Ordinal)) return false;
        _at += text.Length;
        return true;
    }

    private void SkipBlank()
    {
        while (_at < source.Length && (char.IsWhiteSpace(source[_at]) || source[_at] == '#'))
            if (source[_at] == '#') while (_at < source.Length && source[_at] != '\n') _at++;
            else _at++;
    }

    private InvalidInputException Wrong(string what) =>
        new($"grammar, line {1 + source.AsSpan(0, Math.Min(_at, source.Length)).Count('\n')}: {what}");
}
