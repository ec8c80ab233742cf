using System.Numerics.Tensors;

namespace Kvasir.Cache.Eviction;

/// <summary>
/// KVzip+ (Jegou and Jeblick 2026, arXiv:2601.07891): as <see cref="ReconstructionScore"/>, but by what a token adds to the hidden state
/// of the one that
/// attends to it, compared with how long that is: s[j] = max over i and heads of A[i, j] |W_O V[j]| / |h[i]|.
/// </summary>
internal sealed unsafe class NormalisedReconstructionScore : TokenScore
{
    public override string Name => "normalised-reconstruction";

    public override Observations NeedsOfSecondReading => Observations.Contributions;

    public override float[][] Score(ScoredLayer layer) => layer.ForHeads(kvHead =>
    {
        int channels = layer.Layout.ValueChannels;
        float[] values = layer.Values(kvHead), score = new float[layer.Count], products = new float[layer.Count * channels];
        for (int head = kvHead * layer.Layout.Group; head < (kvHead + 1) * layer.Layout.Group; head++)
        {
            float[] gram = layer.OutputGram(head);
            fixed (float* v = values, g = gram, p = products)
                layer.Kernels!.Multiply(new(v, channels), g, layer.Count, channels, channels, new(p, channels), accumulate: false);
            Span<float> largest = layer.Again!.Of(Observations.Contributions, head);
            for (int j = 0; j < score.Length; j++)
            {
                float added = TensorPrimitives.Dot(values.AsSpan(j * channels, channels), products.AsSpan(j * channels, channels));
                score[j] = Math.Max(score[j], largest[j] * MathF.Sqrt(Math.Max(0, added)));
            }
        }
        return score;
    });
}
