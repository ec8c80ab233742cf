namespace Kvasir.Documents;

/// <summary>How a question is answered.</summary>
public sealed record AskOptions
{
    /// <summary>Chunks that are put before the question; null for up to five, of which those far weaker than the best are left out (they mislead small models).</summary>
    public int? Passages { get; init; }

    /// <summary>Tokens of the answer, at most.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>Computes the whole prompt anew in one go instead of placing stored KV, for comparison.</summary>
    public bool Recompute { get; init; }

    /// <summary>Files and folders to answer from; null for everything in the store.</summary>
    public IReadOnlyList<string>? Within { get; init; }
}
