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
    /// The ranked items with their fused scores, best first; each ranking has its items best first, at most <see cref="Depth"/>.
    /// </summary>
    public static IReadOnlyList<(int Item, float Score)> Fuse(params ReadOnlySpan<IReadOnlyList<int>> rankings)
    {
        var fused = new Dictionary<int, float>();
        foreach (IReadOnlyList<int> ranking in rankings)
            for (int rank = 0; rank < ranking.Count; rank++)
                fused[ranking[rank]] = fused.GetValueOrDefault(ranking[rank]) + 1f / (K + rank + 1);
        return [.. fused.Select(item => (item.Key, item.Value)).OrderByDescending(item => item.Value).ThenBy(item => item.Key)];
    }
}
