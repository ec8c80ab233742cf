namespace Kvasir.Tokenization;

/// <summary>One message of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Its text.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>
    /// What else a template may read of the message, such as <c>reasoning_content</c> or <c>tool_calls</c>: strings, numbers,
    /// booleans, lists, dictionaries or <see cref="System.Text.Json.JsonElement"/>. A field <c>content</c> replaces <see cref="Content"/>;
    /// where there is one named <c>role</c>, the fields are the whole message, in their order.
    /// </summary>
    public IReadOnlyDictionary<string, object?>? Fields { get; init; }
}
