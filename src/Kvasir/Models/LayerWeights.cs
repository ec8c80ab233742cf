using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>A matrix with its bias, if the file has one.</summary>
internal sealed record Linear(WeightMatrix Matrix, float[]? Bias);

/// <summary>The weights of one transformer layer; what an architecture lacks is null.</summary>
internal sealed record LayerWeights
{
    public NormWeights? AttentionNorm { get; init; }

    public required Linear Query { get; init; }

    public required Linear Key { get; init; }

    public required Linear Value { get; init; }

    /// <summary>RMS norm of every query head (Qwen 3, Gemma 3).</summary>
    public NormWeights? QueryNorm { get; init; }

    public NormWeights? KeyNorm { get; init; }

    public required Linear Output { get; init; }

    /// <summary>Of the attention's output (Gemma) or of the sum (BERT).</summary>
    public NormWeights? AfterAttentionNorm { get; init; }

    public NormWeights? FeedForwardNorm { get; init; }

    /// <summary>Null where the feed-forward layer has no gate.</summary>
    public Linear? Gate { get; init; }

    public required Linear Up { get; init; }

    public required Linear Down { get; init; }

    public NormWeights? AfterFeedForwardNorm { get; init; }

    public IEnumerable<WeightMatrix> Matrices =>
        new[] { Query, Key, Value, Output, Gate, Up, Down }.OfType<Linear>().Select(linear => linear.Matrix);
}
