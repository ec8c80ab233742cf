namespace Kvasir.Cache.Eviction;

/// <summary>
/// KVzip (Kim et al. 2025, arXiv:2505.23416): the model reads the text a second time behind a request to repeat it; a token's score is the
/// largest attention that it gets from that reading, over the query heads of the kv head. Costs about one prefill more.
/// </summary>
internal sealed class ReconstructionScore : TokenScore
{
    public const string Reconstruction = "reconstruction";

    public override string Name => Reconstruction;

    public override Observations NeedsOfSecondReading => Observations.Largest;

    public override float[][] Score(ScoredLayer layer) => layer.ForHeads(head => layer.Again!.Of(Observations.Largest, head).ToArray());
}
