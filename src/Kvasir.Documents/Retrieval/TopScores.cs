namespace Kvasir.Documents.Retrieval;

/// <summary>Chooses the best of many scores without sorting them all.</summary>
internal static class TopScores
{
    /// <summary>The items that score above 0, best first and at most <paramref name="count"/>; equal scores keep their order.</summary>
    public static int[] Best(ReadOnlySpan<float> scores, int count)
    {
        // The bits of positive floats are ordered as their values; the item's complement puts the earlier of equals first.
        var best = new List<ulong>(Math.Min(scores.Length, 2 * count));
        ulong least = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            ulong key = (ulong)BitConverter.SingleToUInt32Bits(scores[i]) << 32 | ~(uint)i;
            if (scores[i] > 0 && key > least)
            {
                best.Add(key);
                if (best.Count == 2 * count) least = Cut(best, count);
            }
        }

        Cut(best, count);
        return [.. best.Select(key => (int)~(uint)key)];
    }

    /// <summary>Keeps the greatest, in falling order; the last of them.</summary>
    private static ulong Cut(List<ulong> keys, int count)
    {
        keys.Sort();
        keys.Reverse();
        keys.RemoveRange(Math.Min(count, keys.Count), Math.Max(0, keys.Count - count));
        return keys.Count == 0 ? 0 : keys[^1];
    }
}
