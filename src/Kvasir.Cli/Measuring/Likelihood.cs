using System.Numerics.Tensors;

namespace Kvasir.Cli.Measuring;

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

    /// <summary>KL(P || Q) in nats, of the distributions that two rows of logits with these <see cref="LogSumExp"/> give.</summary>
    public static double Divergence(ReadOnlySpan<float> p, double logSumExpP, ReadOnlySpan<float> q, double logSumExpQ)
    {
        double sum = 0;
        for (int id = 0; id < p.Length; id++)
        {
            double logP = p[id] - logSumExpP, probability = Math.Exp(logP);
            if (probability > 0) sum += probability * (logP - (q[id] - logSumExpQ));
        }

        return Math.Max(0, sum);
    }

    /// <summary>The ids of the largest logits and the logits, largest first; of equal ones the lower id first.</summary>
    public static (int[] Ids, float[] Logits) Largest(ReadOnlySpan<float> logits, int count)
    {
        var ids = new int[Math.Min(count, logits.Length)];
        var top = new float[ids.Length];
        int found = 0;
        for (int id = 0; id < logits.Length; id++)
        {
            if (found == top.Length && !(logits[id] > top[^1])) continue;
            int at = found < top.Length ? found++ : found - 1;
            for (; at > 0 && logits[id] > top[at - 1]; at--) (top[at], ids[at]) = (top[at - 1], ids[at - 1]);
            (top[at], ids[at]) = (logits[id], id);
        }

        return (ids, top);
    }
}
