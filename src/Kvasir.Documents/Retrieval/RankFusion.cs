namespace Kvasir.Documents.Retrieval;

/// <summary>
/// Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): score = Σ over the rankings of 1/(60 + rank), rank from 1.
/// </summary>
internal static class RankFusion
{
    /// <summary>How far down a ranking counts: what stands below in both could not come among the first 400.</summary>
    public const int Depth = 1000;

    private const int K = 60;

    /// <summary>
    /// Fused scores of all items. In each ranking the items are ordered by falling score; items that score 0 or less are not ranked.
    /// </summary>
    public static float[] Fuse(params ReadOnlySpan<float[]> rankings)
    {
        float[] fused = new float[rankings.Length == 0 ? 0 : rankings[0].Length];
        foreach (float[] scores in rankings)
        {
            int[] order = TopScores.Best(scores, Depth);
            for (int rank = 0; rank < order.Length; rank++) fused[order[rank]] += 1f / (K + rank + 1);
        }

        return fused;
    }
}
