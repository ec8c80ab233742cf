using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>
/// The ids of messages in which markers stand for pictures (<see cref="InputEmbeddings.Name"/>): as text where a chat template takes
/// text alone, as content parts of type <c>image</c> where it takes those. The text between pictures is tokenised piece by piece.
/// </summary>
internal static class ChatParts
{
    /// <summary>What templates write for an image part: SmolVLM's and most others', and Gemma 3's.</summary>
    private static readonly string[] s_placeholders = ["<image>", "<start_of_image>"];

    /// <exception cref="InvalidInputException">The template cannot be run, or does not show every picture once.</exception>
    public static int[] Encode(
        Tokenizer tokenizer, ChatTemplate template, IReadOnlyList<ChatMessage> messages, InputEmbeddings? embeddings,
        IReadOnlyDictionary<string, object?>? variables = null, string opening = "")
    {
        IReadOnlyDictionary<string, int[]> named = embeddings?.Named ?? new Dictionary<string, int[]>();
        (string Text, string? Marker)[][] pieces = [.. messages.Select(message => Split(message.Content, named))];
        string[] markers = [.. pieces.SelectMany(message => message).Select(piece => piece.Marker).OfType<string>()];
        if (markers.Length == 0) return tokenizer.Encode(Render(template, messages, variables) + opening);
        if (!template.TakesImages) return [.. Split(template.Render(messages, variables: variables) + opening, named).SelectMany(Ids)];
        string placeholder = s_placeholders.FirstOrDefault(text => template.Source.Contains(text, StringComparison.Ordinal))
            ?? s_placeholders[0];
        string[] between = (template.Render([.. messages.Zip(pieces, WithParts)], variables: variables) + opening).Split(placeholder);
        return between.Length == markers.Length + 1
            ? [.. between.Index().SelectMany(part => Ids((part.Item, part.Index < markers.Length ? markers[part.Index] : null)))]
            : throw new InvalidInputException($"the model's chat template shows {between.Length - 1} of {markers.Length} pictures as "
                + $"{placeholder}; only templates that show each so can be used with pictures");

        IEnumerable<int> Ids((string Text, string? Marker) piece) =>
            [.. piece.Text.Length > 0 ? tokenizer.Encode(piece.Text) : [], .. piece.Marker is null ? [] : named[piece.Marker]];
    }

    /// <summary>Messages without pictures, as text or, where the template reads nothing else, as content parts.</summary>
    public static string Render(
        ChatTemplate template, IReadOnlyList<ChatMessage> messages, IReadOnlyDictionary<string, object?>? variables = null) =>
        template.Render(template.NeedsParts
            ? [.. messages.Select(message => message.Fields?.ContainsKey("content") == true ? message
                : WithParts(message, [(message.Content, null)]))]
            : messages, variables: variables);

    private static ChatMessage WithParts(ChatMessage message, (string Text, string? Marker)[] pieces)
    {
        var parts = new List<object?>();
        foreach ((string text, string? marker) in pieces)
        {
            if (text.Length > 0) parts.Add(new Dictionary<string, object?> { ["type"] = "text", ["text"] = text });
            if (marker is not null) parts.Add(new Dictionary<string, object?> { ["type"] = "image" });
        }
        var fields = new Dictionary<string, object?>(message.Fields ?? new Dictionary<string, object?>()) { ["content"] = parts };
        return message with { Fields = fields };
    }

    /// <summary>Texts, each with the marker that follows it; null behind the last.</summary>
    private static (string Text, string? Marker)[] Split(string text, IReadOnlyDictionary<string, int[]> named)
    {
        var pieces = new List<(string, string?)>();
        while (true)
        {
            (int at, string? marker) = (text.Length, null);
            foreach (string candidate in named.Keys)
                if (text.IndexOf(candidate, StringComparison.Ordinal) is >= 0 and int found && found < at)
                    (at, marker) = (found, candidate);
            pieces.Add((text[..at], marker));
            if (marker is null) return [.. pieces];
            text = text[(at + marker.Length)..];
        }
    }
}
