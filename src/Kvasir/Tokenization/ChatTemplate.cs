namespace Kvasir.Tokenization;

/// <summary>One message of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Its text.</param>
public sealed record ChatMessage(string Role, string Content);

/// <summary>A chat template: the subset of Jinja that model files carry.</summary>
public sealed class ChatTemplate
{
    /// <summary>Parses a template.</summary>
    /// <exception cref="InvalidInputException">A syntax error, with its line.</exception>
    public ChatTemplate(string source) => Source = source;

    /// <summary>The template's text.</summary>
    public string Source { get; }

    /// <summary>The prompt text of a conversation, special tokens as text.</summary>
    /// <exception cref="InvalidInputException">The template raised an exception or cannot be run.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = true, string? beginOfText = null, string? endOfText = null, IReadOnlyDictionary<string, object?>? variables = null) => throw new NotImplementedException();
}
