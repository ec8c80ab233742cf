using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>BERT as a sentence encoder: every token sees all, norms on the sums, no logits.</summary>
internal sealed class Bert : Architecture
{
    public override IReadOnlyList<string> Names => ["bert"];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => new()
    {
        Norm = NormKind.Layer,
        NormPlace = NormPlace.Sum,
        NormEpsilon = metadata.Get("attention.layer_norm_epsilon", 1e-12f),
        Activation = Activation.GeluErf,
        AttentionScale = 1 / MathF.Sqrt(config.HeadDim),
        Causal = false,
    };
}
