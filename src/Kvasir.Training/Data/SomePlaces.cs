namespace Kvasir.Training.Data;

/// <summary>Other data of which only some places count, others each time: logits of all would cost more than they teach.</summary>
/// <param name="data">The data.</param>
/// <param name="share">How many of its places count.</param>
/// <param name="seed">Where the choice starts.</param>
internal sealed class SomePlaces(TrainingData data, double share, ulong seed) : TrainingData
{
    public override long Tokens => data.Tokens;

    public override void Fill(long index, Span<int> ids, Span<int> targets, Span<float> weights)
    {
        data.Fill(index, ids, targets, weights);
        var random = new SeededRandom(seed, (ulong)index);
        int limit = (int)(share * (1 << 20));
        foreach (ref float weight in weights)
            if (random.Below(1 << 20) >= limit) weight = 0;
    }
}
