using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>GPT-2: learned positions, LayerNorm, biases everywhere.</summary>
internal sealed class Gpt2 : Architecture
{
    public override IReadOnlyList<string> Names => ["gpt2"];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => new()
    {
        Norm = NormKind.Layer,
        NormEpsilon = metadata.Get("attention.layer_norm_epsilon", 1e-5f),
        Activation = Activation.GeluTanh,
        AttentionScale = 1 / MathF.Sqrt(config.HeadDim),
    };
}
