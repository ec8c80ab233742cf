namespace Kvasir.Training.Data;

/// <summary>
/// What is learned from, as an endless row of sequences that depends on nothing but the data and a seed: a training that goes on after a
/// pause sees what it would have seen.
/// </summary>
internal abstract class TrainingData
{
    /// <summary>The tokens of one pass over all of it, for what is shown of it.</summary>
    public abstract long Tokens { get; }

    /// <summary>
    /// Writes sequence <paramref name="index"/> [length]: tokens, those that come next, and 1 where the next one is to be learned, else 0.
    /// </summary>
    public abstract void Fill(long index, Span<int> ids, Span<int> targets, Span<float> weights);
}
