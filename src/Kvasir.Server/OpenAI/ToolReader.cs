using System.Text.RegularExpressions;
using Kvasir.Generation.Chat;
using Kvasir.Server.Requests;

namespace Kvasir.Server.OpenAI;

/// <summary>Tools, the choice among them, and the format of a reply.</summary>
internal static partial class ToolReader
{
    private const int MostTools = 128;

    private static readonly Field[] Tool = [new("type", "string", "function", true), new("function", "object", "The function", true)];

    private static readonly Field[] Function =
    [
        new("name", "string", "Letters, digits, _ and -", true), new("description", "string", "What it does"),
        new("parameters", "object", "A JSON schema"), new("strict", "boolean", "Calls that are required keep to the schema either way"),
    ];

    private static readonly Field[] Format = [new("type", "string", "text, json_object or json_schema", true),
        new("json_schema", "object", "The schema")];

    private static readonly Field[] Named =
    [
        new("name", "string", "Not read"), new("description", "string", "Not read"), new("schema", "object", "The schema", true),
        new("strict", "boolean", "It is kept either way"),
    ];

    private static readonly JsonElement NoParameters = JsonSerializer.SerializeToElement(new { type = "object", properties = new { } });

    private static readonly JsonElement AnyObject = JsonSerializer.SerializeToElement(new { type = "object" });

    public static IReadOnlyList<ToolDefinition> Tools(RequestReader request) => [.. request.List("tools", MostTools).Select((tool, i) =>
    {
        var reader = new RequestReader(tool, Tool, $"tools[{i}]");
        reader.Word("type", "function");
        return Definition(reader.Object("function", Function)!);
    })];

    public static ToolDefinition Definition(RequestReader function)
    {
        string name = function.Text("name", 64)!;
        if (!Name().IsMatch(name)) throw function.Wrong("name", "give letters, digits, _ and -");
        JsonElement parameters = function.Get("parameters") ?? NoParameters;
        if (parameters.ValueKind != JsonValueKind.Object) throw function.Wrong("parameters", "give a JSON schema");
        return new ToolDefinition(name, function.Text("description") ?? "", parameters);
    }

    /// <summary>Null where no tool may be called.</summary>
    public static ToolChoice? Choice(RequestReader request, IReadOnlyList<Field> named)
    {
        if (request.Get("tool_choice") is not { ValueKind: JsonValueKind.Object } choice)
            return request.Word("tool_choice", "none", "auto", "required") switch
            {
                "none" => null,
                "required" => ToolChoice.Required,
                _ => ToolChoice.Auto,
            };
        var reader = new RequestReader(choice, named, "tool_choice");
        reader.Word("type", "function");
        RequestReader function = named.Any(field => field.Name == "function")
            ? reader.Object("function", [new("name", "string", "", true)])! : reader;
        return new ToolChoice(true, function.Text("name"));
    }

    public static IReadOnlyList<Field> ChoiceFields { get; } = [new("type", "string", "function", true),
        new("function", "object", "Its name", true)];

    /// <summary>The schema that a reply is to keep to; null for free text.</summary>
    public static JsonElement? Schema(RequestReader request)
    {
        if (request.Object("response_format", Format) is not { } format) return null;
        return format.Word("type", "text", "json_object", "json_schema") switch
        {
            "json_object" => AnyObject,
            "json_schema" => (format.Object("json_schema", Named) ?? throw format.Wrong("json_schema", "give the schema")).Get("schema"),
            _ => null,
        };
    }

    /// <summary>The same, as the responses endpoint has it.</summary>
    public static JsonElement? FlatSchema(RequestReader format) => format.Word("type", "text", "json_object", "json_schema") switch
    {
        "json_object" => AnyObject,
        "json_schema" => format.Get("schema") ?? throw format.Wrong("schema", "give the schema"),
        _ => null,
    };

    [GeneratedRegex("^[A-Za-z0-9_-]{1,64}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Name();
}
