using Kvasir.Formats;
using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>
/// StarCoder2: LayerNorm, biases and a feed-forward layer without gate, as GPT-2; grouped heads, rotary positions and a sliding window, as
/// Mistral.
/// </summary>
internal sealed class StarCoder2 : Architecture
{
    public override IReadOnlyList<string> Names => ["starcoder2"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        HfArchitecture.Decoder with
        {
            Name = "starcoder2",
            ModelTypes = ["starcoder2"],
            BlockModules = HfArchitecture.With(HfArchitecture.Decoder.BlockModules, ("mlp.c_fc", "ffn_up"), ("mlp.c_proj", "ffn_down")),
            Implied = new Dictionary<string, string> { ["norm_type"] = "layer_norm" },
            Activations = ["gelu_pytorch_tanh"],
            Defaults = new Dictionary<string, double> { ["norm_epsilon"] = 1e-5, ["rope_theta"] = 10000, ["max_position_embeddings"] = 4096,
                ["num_key_value_heads"] = 2 },
            RmsNorm = false,
            Tied = true,
        },
    ];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) =>
        LlamaLike(metadata, config, norm: NormKind.Layer) with { Activation = Activation.GeluTanh };
}
