using System.Text.Json;
using System.Text.Json.Serialization;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>What is saved of a conversation beside its cache.</summary>
/// <param name="Messages">What was said.</param>
/// <param name="Named">What markers of pictures in the messages stand for.</param>
internal sealed record SavedConversation(List<ChatMessage> Messages, IReadOnlyDictionary<string, int[]> Named)
{
    /// <summary>A list of the messages; an object where there are pictures.</summary>
    public string ToJson() => Named.Count == 0
        ? JsonSerializer.Serialize(Messages, ConversationJson.Default.ListChatMessage)
        : JsonSerializer.Serialize(this, ConversationJson.Default.SavedConversation);

    /// <exception cref="InvalidInputException">It is damaged, or there is none.</exception>
    public static SavedConversation Read(string path, string? json)
    {
        try
        {
            SavedConversation? saved = json is null ? null
                : json.StartsWith('{') ? JsonSerializer.Deserialize(json, ConversationJson.Default.SavedConversation)
                : new SavedConversation(
                    JsonSerializer.Deserialize(json, ConversationJson.Default.ListChatMessage)!, new Dictionary<string, int[]>());
            if (saved is { Messages: not null, Named: not null } && saved.Named.Values.All(ids => ids is not null)
                && saved.Messages.TrueForAll(message => message is { Role: not null, Content: not null })) return saved;
            throw new InvalidInputException(
                $"{path}: holds a cache but no conversation; only what a conversation was saved to can be loaded");
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{path}: its conversation is damaged ({problem.Message})", problem);
        }
    }
}

/// <summary>How conversations are written as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SavedConversation))]
[JsonSerializable(typeof(List<ChatMessage>))]
internal sealed partial class ConversationJson : JsonSerializerContext;
