namespace Kvasir.Cache.Eviction;

/// <summary>
/// The attention that a token gets from the question: summed over the queries that stand behind the last image, mean over all heads of the
/// layer: s[j] = sum over i of the question of mean over h of A[h, i, j]. PrefixKV's score (arXiv:2412.03409) from the queries that know
/// what is wanted of the image. Where there is no image: from the last 64 queries.
/// </summary>
internal sealed class QuestionScore : TokenScore
{
    private const int LastQueries = 64;

    public override string Name => "question";

    public override ObservedAttention Needs => new(Observations.Recent, RecentRows: LastQueries);

    public override bool IsLayerAttention => true;

    public override ObservedAttention NeedsOf(EvictionRegion region) =>
        region.QuestionTokens is > 0 and int tokens ? Needs with { RecentRows = tokens } : Needs;

    public override float[][] Score(ScoredLayer layer)
    {
        float[] received = layer.MeanOf(Observations.Recent, null);
        return layer.ForHeads(_ => received);
    }
}
