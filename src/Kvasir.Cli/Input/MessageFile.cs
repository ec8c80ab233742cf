using System.Text.Json;
using Kvasir.Tokenization;

namespace Kvasir.Cli;

/// <summary>Conversations as JSON: a list of {"role", "content"}, alone or under "messages".</summary>
internal static class MessageFile
{
    /// <exception cref="InvalidInputException">Not JSON, or not such a list.</exception>
    public static IReadOnlyList<ChatMessage> Parse(string json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement list = document.RootElement;
            if (list.ValueKind == JsonValueKind.Object && list.TryGetProperty("messages", out JsonElement inner)) list = inner;
            if (list.ValueKind != JsonValueKind.Array) throw new InvalidInputException($"{name}: give a JSON list of messages, such as [{{\"role\":\"user\",\"content\":\"Hello\"}}]");
            return [.. list.EnumerateArray().Select((message, index) => Message(message, index, name))];
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{name}: not JSON ({problem.Message})", problem);
        }
    }

    private static ChatMessage Message(JsonElement message, int index, string name) => new(Text(message, "role", index, name), Text(message, "content", index, name));

    private static string Text(JsonElement message, string property, int index, string name) =>
        message.ValueKind == JsonValueKind.Object && message.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new InvalidInputException($"{name}: message {index} has no text under \"{property}\"");
}
