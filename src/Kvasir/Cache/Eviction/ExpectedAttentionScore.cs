using System.Numerics.Tensors;

namespace Kvasir.Cache.Eviction;

/// <summary>
/// Expected attention (Devoto et al. 2025, arXiv:2510.00636): the queries to come are taken to be distributed as the prompt's were before
/// their rotation, with mean m and covariance C, and rotated by the mean rotation of the next 512 positions. s[j] = |V[j]| mean over the
/// heads of softmax over j of (m K[j] + K[j] C K[j] / 2), queries scaled. The first 4 tokens are left out of all means and come before all
/// others.
/// </summary>
internal sealed unsafe class ExpectedAttentionScore : TokenScore
{
    private const int Future = 512, Sink = AttentionStatistics.FirstMeantQuery;

    public override string Name => "expected";

    public override ObservedAttention Needs => new(Observations.Queries);

    public override float[][] Score(ScoredLayer layer)
    {
        int channels = layer.Layout.KeyChannels, left = Math.Clamp(Sink - layer.First, 0, layer.Count);
        float[][] scores = layer.ForHeads(head =>
        {
            float[] keys = layer.Keys(head), values = layer.Values(head), score = new float[layer.Count];
            for (int member = 0; member < layer.Layout.Group; member++)
            {
                (float[] mean, float[] covariance) = FutureQueries(layer, head * layer.Layout.Group + member);
                float[] weights = Weights(layer, keys, mean, covariance);
                if (left < weights.Length) TensorPrimitives.SoftMax(weights.AsSpan(left), weights.AsSpan(left));
                TensorPrimitives.MultiplyAdd(weights, 1f / layer.Layout.Group, score, score);
            }
            for (int j = left; j < score.Length; j++) score[j] *= TensorPrimitives.Norm(values.AsSpan(j * layer.Layout.ValueChannels,
                layer.Layout.ValueChannels));
            return score;
        });
        float most = scores.Max(head => left < head.Length ? head.AsSpan(left).ToArray().Max() : 0);
        foreach (float[] head in scores) head.AsSpan(0, left).Fill(most + 1);
        return scores;

        static float[] Weights(ScoredLayer layer, float[] keys, float[] mean, float[] covariance)
        {
            int channels = mean.Length;
            float[] products = new float[layer.Count * channels], weights = new float[layer.Count];
            fixed (float* k = keys, c = covariance, p = products) layer.Kernels!.Multiply(new(k, channels), c, layer.Count, channels,
                channels, new(p, channels), accumulate: false);
            for (int j = 0; j < weights.Length; j++)
            {
                ReadOnlySpan<float> key = keys.AsSpan(j * channels, channels);
                weights[j] = TensorPrimitives.Dot(key, mean) + TensorPrimitives.Dot(key, products.AsSpan(j * channels, channels)) / 2;
            }
            return weights;
        }
    }

    /// <summary>Mean and covariance of a head's scaled queries at the next positions.</summary>
    private static (float[] Mean, float[] Covariance) FutureQueries(ScoredLayer layer, int head)
    {
        int channels = layer.Layout.KeyChannels;
        float rows = Math.Max(1, layer.End - Math.Max(layer.FirstQuery, Sink));
        float[] mean = layer.Attention!.QuerySum(head).ToArray(), covariance = layer.Attention.QueryProducts(head).ToArray();
        TensorPrimitives.Divide(mean, rows, mean);
        for (int a = 0; a < channels; a++)
            for (int b = 0; b < channels; b++) covariance[a * channels + b] = covariance[a * channels + b] / rows - mean[a] * mean[b];
        if (layer.Layout.Rotary is not { } rotary) return (mean, covariance);

        float[] table = new float[rotary.TableLength], next = new float[rotary.TableLength];
        for (int ahead = 0; ahead < Future; ahead++)
        {
            rotary.FillTable(layer.End + ahead, next, withMagnitude: false);
            TensorPrimitives.MultiplyAdd(next, 1f / Future, table, table);
        }
        fixed (float* t = table, m = mean, c = covariance)
        {
            rotary.Rotate(m, t);
            for (int pass = 0; pass < 2; pass++)
            {
                for (int a = 0; a < channels; a++) rotary.Rotate(c + a * channels, t);
                Transpose(c, channels);
            }
        }
        return (mean, covariance);
    }

    private static void Transpose(float* matrix, int size)
    {
        for (int a = 0; a < size; a++)
            for (int b = 0; b < a; b++) (matrix[a * size + b], matrix[b * size + a]) = (matrix[b * size + a], matrix[a * size + b]);
    }
}
