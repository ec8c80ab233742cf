using System.Numerics.Tensors;

namespace Kvasir.Training.Operations;

/// <summary>
/// loss = log Σ e^z − z[target], the negative log-likelihood of a token.
/// Gradient: dz = softmax(z) − 1 at the target.
/// </summary>
internal static class CrossEntropy
{
    /// <summary>The loss of one row of logits, which become their gradient times <paramref name="weight"/>.</summary>
    public static float Backward(Span<float> logits, int target, float weight)
    {
        float value = logits[target], logSum = Softmax(logits);
        TensorPrimitives.Multiply(logits, weight, logits);
        logits[target] -= weight;
        return logSum - value;
    }

    /// <summary>Logits become probabilities; returns log Σ e^z.</summary>
    public static float Softmax(Span<float> logits)
    {
        float maximum = TensorPrimitives.Max<float>(logits);
        TensorPrimitives.Subtract(logits, maximum, logits);
        TensorPrimitives.Exp(logits, logits);
        float sum = TensorPrimitives.Sum<float>(logits);
        TensorPrimitives.Multiply(logits, 1 / sum, logits);
        return maximum + MathF.Log(sum);
    }
}
