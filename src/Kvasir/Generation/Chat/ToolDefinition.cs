using System.Text.Json;

namespace Kvasir.Generation.Chat;

/// <summary>A tool that a model may call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for; may be empty.</param>
/// <param name="Parameters">A JSON schema of its arguments.</param>
internal sealed record ToolDefinition(string Name, string Description, JsonElement Parameters)
{
    /// <summary>As templates read it: OpenAI's form.</summary>
    public JsonElement Json => JsonSerializer.SerializeToElement(new Dictionary<string, object>
    {
        ["type"] = "function",
        ["function"] = new Dictionary<string, object> { ["name"] = Name, ["description"] = Description, ["parameters"] = Parameters },
    });

    /// <summary>The schema as a part of another one; any object where it refers to its own parts, which would then lie elsewhere.</summary>
    public string ClosedParameters => Parameters.ValueKind != JsonValueKind.Object
        || Parameters.GetRawText().Contains("\"$ref\"", StringComparison.Ordinal) ? """{"type":"object"}""" : Parameters.GetRawText();
}
