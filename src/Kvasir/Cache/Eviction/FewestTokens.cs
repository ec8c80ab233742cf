using System.Buffers;

namespace Kvasir.Cache.Eviction;

/// <summary>
/// FastGen's condition (each head recovers a share T of its attention: Ge et al. 2024, arXiv:2310.01801) on what KVzip looks at (Kim et al.
/// 2025, arXiv:2505.23416: the model repeats the text). Each kv head keeps special tokens, and of the others as few as recover T of the
/// attention that each of its query heads pays to the text while repeating it, those with the largest attention first; and what else its
/// last block has room for, which takes no bytes.
/// </summary>
internal static class FewestTokens
{
    public const Observations NeedsOfSecondReading = Observations.Sums | Observations.Largest;

    /// <summary>The tokens that a kv head keeps, counted from the region's first, ascending; at least one.</summary>
    /// <param name="layer">The layer, with sums and largest weights of the second reading.</param>
    /// <param name="kvHead">The head.</param>
    /// <param name="recovery">T.</param>
    /// <param name="always">Which tokens stay in any case.</param>
    public static int[] Of(ScoredLayer layer, int kvHead, double recovery, IReadOnlyList<bool> always)
    {
        Span<float> seen = layer.Again!.Of(Observations.Largest, kvHead);
        int[] tokens = ArrayPool<int>.Shared.Rent(seen.Length);
        float[] largest = ArrayPool<float>.Shared.Rent(seen.Length);
        for (int token = 0; token < seen.Length; token++) largest[token] = always[token] ? float.PositiveInfinity : seen[token];
        TokenSelection.Order(largest.AsSpan(0, seen.Length), tokens);
        int most = Math.Max(1, always.Count(stays => stays));
        for (int head = kvHead * layer.Layout.Group; head < (kvHead + 1) * layer.Layout.Group; head++)
        {
            Span<float> sums = layer.Again.Of(Observations.Sums, head);
            double missing = 0;
            foreach (float sum in sums) missing += sum * recovery;
            int count = 0;
            while (count < sums.Length && missing > 0) missing -= sums[tokens[count++]];
            most = Math.Max(most, count);
        }
        int[] kept = tokens[..Math.Min(KvBlock.CountFor(most) * KvBlock.Tokens, seen.Length)];
        ArrayPool<int>.Shared.Return(tokens);
        ArrayPool<float>.Shared.Return(largest);
        Array.Sort(kept);
        return kept;
    }
}
