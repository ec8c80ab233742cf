using System.Numerics.Tensors;

namespace Kvasir.Calibration;

/// <summary>
/// Kullback-Leibler divergence of next-token distributions from exact ones, in nats. With d the difference of the logits and m its mean
/// under the exact distribution p it is ln(sum of p exp(d - m)), which stays accurate where the distributions are almost alike.
/// </summary>
internal sealed class LogitDivergence
{
    /// <summary>What a distribution counts for that is not one (infinite or undefined logits), and the most that any counts for.</summary>
    public const double Largest = 100;

    private readonly float[][] _logits;
    private readonly float[][] _probabilities;

    /// <param name="exact">Logits of each position.</param>
    public LogitDivergence(IEnumerable<float[]> exact)
    {
        _logits = [.. exact];
        _probabilities = [.. _logits.Select(logits =>
        {
            var probabilities = new float[logits.Length];
            TensorPrimitives.SoftMax(logits, probabilities);
            return probabilities;
        })];
    }

    /// <summary>At one position. <paramref name="logits"/> are overwritten.</summary>
    public double At(int position, Span<float> logits)
    {
        ReadOnlySpan<float> probabilities = _probabilities[position];
        float total = TensorPrimitives.Sum(probabilities);
        TensorPrimitives.Subtract(logits, _logits[position], logits);
        TensorPrimitives.Subtract(logits, TensorPrimitives.Dot<float>(probabilities, logits) / total, logits);
        TensorPrimitives.Exp(logits, logits);
        double divergence = Math.Log(TensorPrimitives.Dot<float>(probabilities, logits) / (double)total);
        return double.IsNaN(divergence) ? Largest : Math.Clamp(divergence, 0, Largest);
    }
}
