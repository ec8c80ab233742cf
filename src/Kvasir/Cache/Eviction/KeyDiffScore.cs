using System.Numerics.Tensors;

namespace Kvasir.Cache.Eviction;

/// <summary>
/// KeyDiff (Park et al. 2025, arXiv:2504.15364): tokens whose keys are unlike the others stay: s[j] = - cos(K[j], mean over j of K[j] /
/// |K[j]|).
/// </summary>
internal sealed class KeyDiffScore : TokenScore
{
    public override string Name => "keydiff";

    public override float[][] Score(ScoredLayer layer) => layer.ForHeads(head =>
    {
        float[] keys = layer.Keys(head), scores = new float[layer.Count], mean = new float[layer.Layout.KeyChannels];
        for (int j = 0; j < scores.Length; j++)
        {
            ReadOnlySpan<float> key = Key(j);
            TensorPrimitives.MultiplyAdd(key, 1 / Math.Max(TensorPrimitives.Norm(key), float.Epsilon), mean, mean);
        }
        float length = Math.Max(TensorPrimitives.Norm(mean), float.Epsilon);
        for (int j = 0; j < scores.Length; j++) scores[j] = -TensorPrimitives.Dot(Key(j),
            mean) / (Math.Max(TensorPrimitives.Norm(Key(j)), float.Epsilon) * length);
        return scores;

        ReadOnlySpan<float> Key(int j) => keys.AsSpan(j * mean.Length, mean.Length);
    });
}
