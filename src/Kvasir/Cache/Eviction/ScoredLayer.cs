using Kvasir.Numerics;

namespace Kvasir.Cache.Eviction;

/// <summary>
/// One layer's tokens from which some are to be kept, as a <see cref="TokenScore"/> sees them. All heads hold all of them.
/// </summary>
internal sealed class ScoredLayer
{
    public required LayerLayout Layout { get; init; }

    /// <summary>Position of the first token.</summary>
    public int First { get; init; }

    /// <summary>Tokens.</summary>
    public required int Count { get; init; }

    /// <summary>Position of the first query whose attention was observed.</summary>
    public int FirstQuery { get; init; }

    /// <summary>What was observed while the prompt was read; null where the score needs nothing of it.</summary>
    public LayerAttention? Attention { get; init; }

    /// <summary>What was observed while the text was read a second time.</summary>
    public LayerAttention? Again { get; init; }

    /// <summary>Keys of a kv head as attention multiplies them, [tokens, channels]; until the next head's are asked for.</summary>
    public required Func<int, float[]> Keys { get; init; }

    /// <summary>Values of a kv head, [tokens, channels]; until the next head's are asked for.</summary>
    public Func<int, float[]> Values { get; init; } = _ => [];

    /// <summary>Of a query head, the products of the columns that the output projection reads its value by.</summary>
    public Func<int, float[]> OutputGram { get; init; } = _ => [];

    public AttentionKernels? Kernels { get; init; }

    /// <summary>The position behind the last token, and the last query.</summary>
    public int End => First + Count;

    public int Heads => Layout.KvHeads * Layout.Group;

    /// <summary>The same for each kv head.</summary>
    public T[] ForHeads<T>(Func<int, T> ofHead) => [.. Enumerable.Range(0, Layout.KvHeads).Select(ofHead)];

    /// <summary>How many of the observed queries see a token.</summary>
    public int QueriesThatSee(int token)
    {
        int position = First + token, end = (int)Math.Min(End, (long)position + Layout.Window);
        return Math.Max(0, end - Math.Max(position, FirstQuery));
    }

    /// <summary>The mean of a statistic over the query heads of one kv head, or of all.</summary>
    public float[] MeanOf(Observations kind, int? kvHead)
    {
        (int first, int count) = kvHead is int one ? (one * Layout.Group, Layout.Group) : (0, Heads);
        var mean = new float[Count];
        for (int head = first; head < first + count; head++)
        {
            Span<float> values = Attention!.Of(kind, head);
            for (int i = 0; i < Count; i++) mean[i] += values[i];
        }
        for (int i = 0; i < Count; i++) mean[i] /= count;
        return mean;
    }
}
