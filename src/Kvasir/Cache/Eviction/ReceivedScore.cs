namespace Kvasir.Cache.Eviction;

/// <summary>
/// PrefixKV (Wang et al. 2024, arXiv:2412.03409): the attention that a token gets, summed over all queries, mean over all heads of the
/// layer: s[j] = sum over i of mean over h of A[h, i, j]. One score for the whole layer; early tokens, which more queries see, are
/// favoured.
/// </summary>
internal sealed class ReceivedScore : TokenScore
{
    public override string Name => "received";

    public override ObservedAttention Needs => new(Observations.Sums);

    public override bool IsLayerAttention => true;

    public override float[][] Score(ScoredLayer layer)
    {
        float[] received = layer.MeanOf(Observations.Sums, null);
        return layer.ForHeads(_ => received);
    }
}
