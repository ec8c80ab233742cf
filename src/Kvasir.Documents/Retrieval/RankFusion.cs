namespace Kvasir.Documents.Retrieval;

/// <summary>Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): score = Σ over the rankings of 1/(60 + rank), rank from 1.</summary>
internal static class RankFusion
{
    private const int K = 60;

    /// <summary>Fused scores of all items. In each ranking the items are ordered by falling score; items that score 0 or less are not ranked.</summary>
    public static float[] Fuse(params ReadOnlySpan<float[]> rankings)
    {
        float[] fused = new float[rankings.Length == 0 ? 0 : rankings[0].Length];
        foreach (float[] scores in rankings)
        {
            int[] order = Ranking(scores);
            for (int rank = 0; rank < order.Length; rank++)
            {
                fused[order[rank]] += 1f / (K + rank + 1);
            }
        }

        return fused;
    }

    /// <summary>The items that score above 0, best first; equal scores keep their order.</summary>
    public static int[] Ranking(float[] scores)
    {
        int[] order = [.. Enumerable.Range(0, scores.Length).Where(i => scores[i] > 0)];
        Array.Sort(order, (a, b) => scores[a] != scores[b] ? scores[b].CompareTo(scores[a]) : a.CompareTo(b));
        return order;
    }
}
