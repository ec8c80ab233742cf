namespace Kvasir.Generation.Chat;

/// <summary>A part of a reply: text, or a call of a tool.</summary>
internal readonly record struct ChatDelta(string Text, IReadOnlyList<TokenLogprobs> Logprobs, ToolCall? Call = null);

/// <summary>A reply as it comes, calls of tools taken out of the text. Leaving the enumeration cancels it.</summary>
internal sealed class ChatStream(GenerationStream stream, ToolCallParser? parser) : IAsyncEnumerable<ChatDelta>
{
    private int _calls;

    /// <summary>The figures; null before the end. Its text has the calls in it.</summary>
    public GenerationResult? Result => stream.Result;

    /// <summary>Whether tools were called.</summary>
    public bool HasCalls => parser?.Calls.Count > 0;

    public void Cancel() => stream.Cancel();

    public async IAsyncEnumerator<ChatDelta> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        await foreach (GeneratedText piece in stream.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            string text = parser?.Add(piece.Text) ?? piece.Text;
            if (text.Length > 0 || piece.Logprobs.Count > 0) yield return new ChatDelta(text, piece.Logprobs);
            foreach (ToolCall call in NewCalls()) yield return new ChatDelta("", [], call);
        }

        if (parser?.Finish() is { Length: > 0 } rest) yield return new ChatDelta(rest, []);
        foreach (ToolCall call in NewCalls()) yield return new ChatDelta("", [], call);
    }

    private IEnumerable<ToolCall> NewCalls()
    {
        while (parser is not null && _calls < parser.Calls.Count) yield return parser.Calls[_calls++];
    }
}
