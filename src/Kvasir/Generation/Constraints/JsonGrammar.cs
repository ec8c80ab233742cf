using static Kvasir.Generation.Constraints.GrammarExpression;

namespace Kvasir.Generation.Constraints;

/// <summary>
/// JSON (RFC 8259) as rules. Narrower where a model that has lost its way would go on for ever: white space and the digits of numbers are
/// limited. Escapes name no half of a surrogate pair, so that every reader takes the strings.
/// </summary>
internal static class JsonGrammar
{
    /// <summary>Rules that schemas lean on: any value, any object, any array, any string.</summary>
    public const string Value = "value", Object = "object", Array = "array", String = "string";

    /// <summary>Where white space may stand: none, a space, or a new line with an indentation.</summary>
    public static GrammarExpression Blank { get; } =
        Any(Nothing, Text(" "), Of(Text("\n"), new Repeat(new Characters([(' ', ' ')]), 0, 24)));

    public static GrammarExpression Digit { get; } = new Characters([('0', '9')]);

    public static GrammarExpression Integer { get; } = Of(Optional(Text("-")), Any(Text("0"), Of(new Characters([('1', '9')]),
        new Repeat(Digit, 0, 14))));

    public static GrammarExpression Number { get; } = Of(Integer, Optional(Of(Text("."), new Repeat(Digit, 1, 15))),
        Optional(Of(new Characters([('e', 'e'), ('E', 'E')]), Optional(new Characters([('+', '+'), ('-', '-')])),
            new Repeat(Digit, 1, 2))));

    public static GrammarExpression Boolean { get; } = Any(Text("true"), Text("false"));

    private static readonly GrammarExpression Hexadecimal = new Characters([('0', '9'), ('a', 'f'), ('A', 'F')]);

    /// <summary>One character between the quotes, as itself or as an escape.</summary>
    public static GrammarExpression Character { get; } = Any(
        Characters.Except([(0, 0x1F), ('"', '"'), ('\\', '\\')]),
        Of(Text("\\"), Any(new Characters([.. "\"\\/bfnrt".Select(c => ((int)c, (int)c))]),
            Of(Text("u"), Any(
                Of(new Characters([('0', '9'), ('a', 'c'), ('A', 'C'), ('e', 'f'), ('E', 'F')]), Hexadecimal),
                Of(new Characters([('d', 'd'), ('D', 'D')]), new Characters([('0', '7')]))), Hexadecimal, Hexadecimal))));

    /// <summary>
    /// One character of these code points between the quotes: as itself, or by its shortest escape where it needs one.
    /// </summary>
    public static GrammarExpression CharacterOf(IReadOnlyList<(int First, int Last)> ranges)
    {
        Characters plain = Characters.Except([.. Characters.Except(ranges).Ranges, (0, 0x1F), ('"', '"'), ('\\', '\\')]);
        IEnumerable<GrammarExpression> escaped = Enumerable.Range(0, 0x20).Append('"').Append('\\')
            .Where(c => ranges.Any(range => range.First <= c && c <= range.Last))
            .Select(c => Text(c switch
            {
                '\b' => "\\b",
                '\t' => "\\t",
                '\n' => "\\n",
                '\f' => "\\f",
                '\r' => "\\r",
                '"' or '\\' => $"\\{(char)c}",
                _ => string.Create(CultureInfo.InvariantCulture, $"\\u{c:x4}"),
            }));
        return new Choice([plain, .. escaped]);
    }

    /// <summary>A string of so many characters.</summary>
    public static GrammarExpression StringOf(int least = 0, int? most = null) =>
        Of(Text("\""), new Repeat(Character, least, most), Text("\""));

    /// <summary>Items between brackets, with commas; <paramref name="most"/> 0 or more.</summary>
    public static GrammarExpression ArrayOf(GrammarExpression item, int least = 0, int? most = null)
    {
        GrammarExpression more = new Repeat(Of(Text(","), Blank, item, Blank), Math.Max(0, least - 1), most - 1);
        GrammarExpression items = most == 0 ? Nothing : Of(item, Blank, more);
        return Of(Text("["), Blank, least == 0 ? Optional(items) : items, Text("]"));
    }

    /// <summary>
    /// Items of which each of the first has a form of its own; an array may end before them once it has <paramref name="least"/>.
    /// </summary>
    /// <param name="first">The first items, at least one.</param>
    /// <param name="item">Those behind them.</param>
    /// <param name="least">The fewest items.</param>
    /// <param name="most">The most, or null.</param>
    /// <param name="named">Makes a rule of an expression: a hundred items are no hundred groups within each other.</param>
    public static GrammarExpression TupleOf(IReadOnlyList<GrammarExpression> first, GrammarExpression item, int least, int? most,
        Func<GrammarExpression, GrammarExpression> named)
    {
        int count = first.Count;
        GrammarExpression rest = most <= count ? Nothing
            : new Repeat(Of(Text(","), Blank, item, Blank), Math.Max(0, least - count), most - count);
        for (int i = count - 1; i >= 0; i--)
        {
            if (most <= i) continue;
            GrammarExpression here = Of(i == 0 ? Nothing : Of(Text(","), Blank), first[i], Blank, rest);
            rest = named(i >= least ? Optional(here) : here);
        }

        return Of(Text("["), Blank, rest, Text("]"));
    }

    /// <summary>Members of any names.</summary>
    public static GrammarExpression MapOf(GrammarExpression value)
    {
        GrammarExpression member = Of(new Rule(String), Blank, Text(":"), Blank, value, Blank);
        return Of(Text("{"), Blank, Optional(Of(member, new Repeat(Of(Text(","), Blank, member), 0, null))), Text("}"));
    }

    public static Dictionary<string, GrammarExpression> Rules() => new(StringComparer.Ordinal)
    {
        [String] = StringOf(),
        [Array] = ArrayOf(new Rule(Value)),
        [Object] = MapOf(new Rule(Value)),
        [Value] = Any(new Rule(Object), new Rule(Array), new Rule(String), Number, Boolean, Text("null")),
    };
}
