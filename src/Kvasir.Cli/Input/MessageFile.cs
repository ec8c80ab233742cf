using System.Text.Json;

namespace Kvasir.Cli.Input;

/// <summary>A conversation as JSON: a list of messages, or an object with "messages" and further variables of the template.</summary>
/// <param name="Messages">The messages, with every field as it stands there.</param>
/// <param name="Variables">What else the object holds.</param>
internal sealed record MessageFile(IReadOnlyList<ChatMessage> Messages, IReadOnlyDictionary<string, object?> Variables)
{
    public bool HasTools => Variables.TryGetValue("tools", out object? tools) && tools is JsonElement { ValueKind: not JsonValueKind.Null };

    /// <exception cref="InvalidInputException">Not JSON, or not such a list.</exception>
    public static MessageFile Parse(string json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement, list = root;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("messages", out JsonElement inner)) list = inner;
            if (list.ValueKind != JsonValueKind.Array)
                throw new InvalidInputException(
                    $"{name}: give a JSON list of messages, such as [{{\"role\":\"user\",\"content\":\"Hello\"}}]");
            Dictionary<string, object?> variables = root.ValueKind == JsonValueKind.Object ? Fields(root) : [];
            variables.Remove("messages");
            return new MessageFile([.. list.EnumerateArray().Select((message, index) => Message(message, index, name))], variables);
        }
        catch (InvalidOperationException problem)
        {
            throw new InvalidInputException($"{name}: a text has half a surrogate pair", problem);
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{name}: not JSON ({problem.Message})", problem);
        }
    }

    private static ChatMessage Message(JsonElement message, int index, string name)
    {
        if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("role", out JsonElement role)
            || role.ValueKind != JsonValueKind.String)
            throw new InvalidInputException($"{name}: message {index} has no text under \"role\"");
        Dictionary<string, object?> fields = Fields(message);
        bool hasContent = message.TryGetProperty("content", out JsonElement content);
        if (hasContent
            ? content.ValueKind is not (JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Array or JsonValueKind.Object)
            : fields.Count == 1)
            throw new InvalidInputException($"{name}: message {index} has neither a text, parts nor null under \"content\"");
        return new ChatMessage(role.GetString()!, content.ValueKind == JsonValueKind.String
            ? content.GetString()! : "")
        { Fields = fields };
    }

    private static Dictionary<string, object?> Fields(JsonElement element)
    {
        var fields = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (JsonProperty property in element.EnumerateObject()) fields[property.Name] = property.Value.Clone();
        return fields;
    }
}
