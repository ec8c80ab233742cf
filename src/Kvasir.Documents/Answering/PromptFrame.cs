using Kvasir.Generation;
using Kvasir.Tokenization;

namespace Kvasir.Documents.Answering;

/// <summary>
/// What the chat template puts around a user's message: the prefix that every chunk's KV is computed behind, and the suffix that ends the
/// question and opens the answer. The chunks and the question are the message itself.
/// </summary>
internal sealed record PromptFrame(string Prefix, string Suffix)
{
    internal const string Marker = "kvasirdocumentsmarker";

    /// <summary>For models without a chat template.</summary>
    public static PromptFrame Plain { get; } = new("Answer the question from these passages.\n\n", "\nAnswer:");

    /// <summary>Renders a message that is only a marker, and splits around it.</summary>
    /// <exception cref="InvalidInputException">The template does not put the message into the prompt exactly once.</exception>
    public static PromptFrame Of(ChatTemplate template) =>
        Split(ChatParts.Render(template, [new ChatMessage("user", Marker)]));

    internal static PromptFrame Split(string rendered)
    {
        int at = rendered.IndexOf(Marker, StringComparison.Ordinal);
        return at < 0 || rendered.IndexOf(Marker, at + 1, StringComparison.Ordinal) >= 0
            ? throw new InvalidInputException(
                "the model's chat template does not put the user's message into the prompt exactly once; documents need a model whose "
                + "template does")
            : new PromptFrame(rendered[..at], rendered[(at + Marker.Length)..]);
    }
}
