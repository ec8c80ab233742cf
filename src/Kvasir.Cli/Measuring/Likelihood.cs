using System.Numerics.Tensors;

namespace Kvasir.Cli;

/// <summary>How probable logits make a token; sums in double precision.</summary>
internal static class Likelihood
{
    /// <summary>ln(sum of exp(logit)).</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        float largest = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits) sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }

    /// <summary>-ln of the probability of <paramref name="id"/>.</summary>
    public static double NegativeLog(ReadOnlySpan<float> logits, int id) => LogSumExp(logits) - logits[id];
}
