namespace Kvasir.Cache.Eviction;

/// <summary>
/// TOVA (Oren et al. 2024, arXiv:2401.06104): the attention from the last query alone, mean over all heads of the layer. The last token
/// itself comes before all others.
/// </summary>
internal sealed class TovaScore : TokenScore
{
    public override string Name => "tova";

    public override ObservedAttention Needs => new(Observations.Recent, RecentRows: 1);

    public override float[][] Score(ScoredLayer layer)
    {
        float[] last = layer.MeanOf(Observations.Recent, null);
        last[^1] = last.Max() + 1;
        return layer.ForHeads(_ => last);
    }
}
