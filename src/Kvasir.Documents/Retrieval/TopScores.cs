namespace Kvasir.Documents.Retrieval;

/// <summary>Chooses the best of many scores without sorting them all.</summary>
internal static class TopScores
{
    /// <summary>The items that score above 0, best first and at most <paramref name="count"/>; equal scores keep their order.</summary>
    public static int[] Best(ReadOnlySpan<float> scores, int count)
    {
        var best = new List<(float Score, int Item)>(Math.Min(scores.Length, 2 * count));
        float least = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (!(scores[i] > least)) continue;
            best.Add((scores[i], i));
            if (best.Count == 2 * count)
            {
                Cut(best, count);
                least = best[^1].Score;
            }
        }

        Cut(best, count);
        return [.. best.Select(item => item.Item)];
    }

    /// <summary>The same of items that are few.</summary>
    public static int[] Best(IEnumerable<KeyValuePair<int, float>> scores, int count) =>
        [.. scores.Where(item => item.Value > 0).OrderByDescending(item => item.Value).ThenBy(item => item.Key).Take(count)
            .Select(item => item.Key)];

    private static void Cut(List<(float Score, int Item)> items, int count)
    {
        items.Sort((a, b) => a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Item.CompareTo(b.Item));
        items.RemoveRange(Math.Min(count, items.Count), Math.Max(0, items.Count - count));
    }
}
