using System.Numerics.Tensors;

namespace Kvasir.Cache.Eviction;

/// <summary>Devoto et al. 2024 (arXiv:2406.11430): tokens with small keys stay: s[j] = - |K[j]|.</summary>
internal sealed class KeyNormScore : TokenScore
{
    public override string Name => "knorm";

    public override float[][] Score(ScoredLayer layer) => layer.ForHeads<float[]>(head =>
    {
        float[] keys = layer.Keys(head);
        int channels = layer.Layout.KeyChannels;
        return [.. Enumerable.Range(0, layer.Count).Select(j => -TensorPrimitives.Norm(keys.AsSpan(j * channels, channels)))];
    });
}
