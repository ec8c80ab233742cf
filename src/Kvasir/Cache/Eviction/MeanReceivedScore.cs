namespace Kvasir.Cache.Eviction;

/// <summary>
/// Heavy hitters in the manner of H2O (Zhang et al. 2023, arXiv:2306.14048): the attention that a token gets from the queries that see it,
/// mean over those and over the query heads of the kv head: s[j] = sum over i of A[i, j] / (number of i that see j).
/// </summary>
internal sealed class MeanReceivedScore : TokenScore
{
    public override string Name => "mean-received";

    public override ObservedAttention Needs => new(Observations.Sums);

    public override float[][] Score(ScoredLayer layer) => layer.ForHeads(head =>
    {
        float[] sums = layer.MeanOf(Observations.Sums, head);
        for (int j = 0; j < sums.Length; j++) sums[j] /= Math.Max(1, layer.QueriesThatSee(j));
        return sums;
    });
}
