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
