namespace Kvasir.Cache.Eviction;

/// <summary>
/// StreamingLLM (Xiao et al. 2023, arXiv:2309.17453): the first 4 tokens of the sequence, which draw attention whatever they say, and the
/// newest.
/// </summary>
internal sealed class StreamingScore : TokenScore
{
    private const int Sink = 4;

    public override string Name => "streaming";

    public override float[][] Score(ScoredLayer layer)
    {
        float[] scores = [.. Enumerable.Range(0, layer.Count).Select(j => layer.First + j < Sink ? (float)(layer.Count + Sink - j) : j)];
        return layer.ForHeads(_ => scores);
    }
}
