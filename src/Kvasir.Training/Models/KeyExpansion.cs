using Kvasir.Training.Operations;

namespace Kvasir.Training.Models;

/// <summary>
/// Keys from factors: k = B c for each kv head, with ranks of its own. <see cref="Weight"/> holds every head's B [key size, rank], one
/// after another.
/// </summary>
/// <param name="ranks">The rank of each kv head.</param>
/// <param name="keySize">Channels of a key.</param>
/// <param name="weight">All heads' matrices.</param>
internal sealed class KeyExpansion(IReadOnlyList<int> ranks, int keySize, Parameter weight)
{
    public IReadOnlyList<int> Ranks { get; } = ranks;

    public Parameter Weight { get; } = weight;

    /// <summary>Floats of a token's factors, all heads together.</summary>
    public int FactorWidth { get; } = ranks.Sum();

    /// <summary>Each head's B.</summary>
    public IEnumerable<float[]> Ups(int size)
    {
        int at = 0;
        foreach (int rank in Ranks) yield return Weight.Values[(at * size)..((at += rank) * size)];
    }

    public void Forward(Worker worker, int rows, ReadOnlySpan<float> factors, Span<float> keys)
    {
        for (int head = 0, at = 0; head < Ranks.Count; at += Ranks[head++])
        {
            Products.Forward(worker, Size(rows, head), factors[at..], Weight.Values.AsSpan(at * keySize), keys[(head * keySize)..]);
            worker.Meet();
        }
    }

    /// <summary>Overwrites the gradient of the factors and adds to that of B.</summary>
    public void Backward(Worker worker, int rows, ReadOnlySpan<float> dKeys, ReadOnlySpan<float> factors, Span<float> dFactors)
    {
        for (int head = 0, at = 0; head < Ranks.Count; at += Ranks[head++])
        {
            ReadOnlySpan<float> gradient = dKeys[(head * keySize)..];
            Products.BackwardInput(worker, Size(rows, head), gradient, Weight.Values.AsSpan(at * keySize), dFactors[at..]);
            if (Weight.Trains)
                Products.BackwardWeight(worker, Size(rows, head), gradient, factors[at..], Weight.Gradient.AsSpan(at * keySize));
            worker.Meet();
        }
    }

    private ProductSize Size(int rows, int head) =>
        new(rows, Ranks[head], keySize) { InputStride = FactorWidth, OutputStride = keySize * Ranks.Count };
}
