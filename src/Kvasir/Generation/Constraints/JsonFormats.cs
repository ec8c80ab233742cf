using static Kvasir.Generation.Constraints.GrammarExpression;

namespace Kvasir.Generation.Constraints;

/// <summary>Strings of the formats that a JSON schema may ask for.</summary>
internal static class JsonFormats
{
    private const string Day = """([0-9]{4} "-" (("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]) """
        + """| ("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])))""";

    private const string Clock = """([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]""";

    private const string Time = $$"""({{Clock}} ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [+-] {{Clock}}))""";

    /// <exception cref="InvalidInputException">A format that is not kept.</exception>
    public static GrammarExpression Of(string format) => Quoted(format switch
    {
        "date" => Day,
        "time" => Time,
        "date-time" => $"{Day} \"T\" {Time}",
        "uuid" => """[0-9a-f]{8} ("-" [0-9a-f]{4}){3} "-" [0-9a-f]{12}""",
        _ => throw JsonSchemaGrammar.Wrong($"the format {format} is not supported; date, time, date-time and uuid are"),
    });

    private static GrammarExpression Quoted(string rule) =>
        GrammarExpression.Of(Text("\""), new GbnfParser("root ::= " + rule).Parse()["root"], Text("\""));
}
