using Kvasir.Server.Requests;

namespace Kvasir.Server.Hosting;

/// <summary>The OpenAPI document, from the lists of fields that requests are checked against.</summary>
internal static class OpenApi
{
    public static object Document(IEnumerable<Endpoint> endpoints) => new
    {
        Openapi = "3.1.0",
        Info = new { Title = "Kvasir", Version = typeof(OpenApi).Assembly.GetName().Version!.ToString(3) },
        Paths = endpoints.GroupBy(endpoint => endpoint.Shown)
            .ToDictionary(path => path.Key, path => path.ToDictionary(one => one.Method.ToLowerInvariant(), Operation)),
    };

    private static Dictionary<string, object> Operation(Endpoint endpoint)
    {
        var operation = new Dictionary<string, object>
        {
            ["summary"] = endpoint.Summary,
            ["responses"] = new Dictionary<string, object>
            {
                ["200"] = new { Description = "Done" },
                ["default"] = new { Description = "An error, in the form of the language that was spoken" },
            },
        };
        if (Parameters(endpoint.Shown) is { Length: > 0 } parameters) operation["parameters"] = parameters;
        if (endpoint.Fields.Count > 0)
            operation["requestBody"] = new
            {
                Required = true,
                Content = new Dictionary<string, object> { ["application/json"] = new { Schema = Schema(endpoint.Fields) } },
            };
        return operation;
    }

    private static object[] Parameters(string path) => [.. path.Split('/').Where(part => part.StartsWith('{'))
        .Select(part => new { Name = part.Trim('{', '}'), In = "path", Required = true, Schema = new { Type = "string" } })];

    private static Dictionary<string, object> Schema(IReadOnlyList<Field> fields) => new()
    {
        ["type"] = "object",
        ["additionalProperties"] = false,
        ["required"] = fields.Where(field => field.Required).Select(field => field.Name),
        ["properties"] = fields.ToDictionary(field => field.Name, field => new { Type = field.Type.Split('|'), field.Description }),
    };
}

/// <summary>A path that the server answers at.</summary>
/// <param name="Method">GET, POST, PUT or DELETE.</param>
/// <param name="Path">The path, with parts in braces; two asterisks before the name of one that may have slashes.</param>
/// <param name="Summary">What it does.</param>
/// <param name="Fields">What its request holds.</param>
/// <param name="Handle">Answers.</param>
internal sealed record Endpoint(string Method, string Path, string Summary, IReadOnlyList<Field> Fields, RequestDelegate Handle)
{
    /// <summary>The path as documents have it.</summary>
    public string Shown => Path.Replace("{**", "{", StringComparison.Ordinal);

    /// <summary>What is answered to GET has its headers asked for with HEAD.</summary>
    public IEnumerable<string> Methods => Method == HttpMethods.Get ? [HttpMethods.Get, HttpMethods.Head] : [Method];
}
