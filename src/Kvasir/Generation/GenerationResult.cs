namespace Kvasir.Generation;

/// <summary>A finished generation and its figures.</summary>
public sealed record GenerationResult
{
    /// <summary>The new text, without the stop string.</summary>
    public required string Text { get; init; }

    /// <summary>The new token ids, without the end-of-text token.</summary>
    public required IReadOnlyList<int> Ids { get; init; }

    /// <summary>Each token's probability, where <see cref="GenerationOptions.TopLogprobs"/> asked for them; else empty.</summary>
    public IReadOnlyList<TokenLogprobs> Logprobs { get; init; } = [];

    /// <summary>Why it ended.</summary>
    public required FinishReason FinishReason { get; init; }

    /// <summary>Tokens of the prompt.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>How many of the prompt's tokens were in the cache already.</summary>
    public required int ReusedTokens { get; init; }

    /// <summary>From the call to the first token.</summary>
    public required TimeSpan TimeToFirstToken { get; init; }

    /// <summary>From the call to the end.</summary>
    public required TimeSpan TotalTime { get; init; }

    /// <summary>Speed of decoding, the first token not counted; 0 where there was only one.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>How many of the new tokens were proposed before they were chosen (<see cref="GenerationOptions.DraftTokens"/>).</summary>
    public int AcceptedDraftTokens { get; init; }

    /// <summary>Bytes of keys and values held at the end.</summary>
    public required long KvBytes { get; init; }
}
