using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Kvasir.Cli.Output;

/// <summary>How <c>--json</c> writes: camelCase, one line, only what JSON demands escaped.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>An object's members, for adding others.</summary>
    public static JsonObject ToObject(object value) => (JsonObject)JsonSerializer.SerializeToNode(value, Options)!;

    /// <exception cref="JsonException">Not such an object.</exception>
    public static T? Read<T>(string text) => JsonSerializer.Deserialize<T>(text, Options);

    public static string Write(object value) => JsonSerializer.Serialize(value, Options);
}
