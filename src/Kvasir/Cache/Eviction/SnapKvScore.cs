namespace Kvasir.Cache.Eviction;

/// <summary>
/// SnapKV (Li et al. 2024, arXiv:2404.14469): the mean attention from the last 64 queries, smoothed over 5 neighbours (sums at the borders
/// are divided by 5 too), mean over the query heads of the kv head. The last 64 tokens themselves come before all others, the newest first.
/// </summary>
internal sealed class SnapKvScore : TokenScore
{
    private const int Window = 64, Pool = 5;

    public override string Name => "snapkv";

    public override ObservedAttention Needs => new(Observations.Recent, RecentRows: Window);

    public override float[][] Score(ScoredLayer layer)
    {
        int before = Math.Max(0, layer.Count - Window);
        float rows = Math.Clamp(layer.End - layer.FirstQuery, 1, Window);
        float[][] scores = layer.ForHeads(head =>
        {
            float[] recent = layer.MeanOf(Observations.Recent, head), smooth = new float[layer.Count];
            for (int j = 0; j < before; j++)
                for (int k = Math.Max(0, j - Pool / 2); k <= Math.Min(before - 1, j + Pool / 2); k++) smooth[j] += recent[k] / rows / Pool;
            return smooth;
        });
        float most = scores.Max(head => head.Max());
        foreach (float[] head in scores)
            for (int j = before; j < head.Length; j++) head[j] = most + 1 + (float)(j - before) / Window;
        return scores;
    }
}
