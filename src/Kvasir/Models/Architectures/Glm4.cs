using Kvasir.Formats;

namespace Kvasir.Models.Architectures;

/// <summary>
/// GLM-4 (of April 2025): norms before and after, half of a head's channels rotated in neighbouring pairs, gate and up in one matrix.
/// </summary>
internal sealed class Glm4 : Architecture
{
    public override IReadOnlyList<string> Names => ["glm4"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        HfArchitecture.Decoder with
        {
            Name = "glm4",
            ModelTypes = ["glm4"],
            BlockModules = HfArchitecture.With(
                HfArchitecture.Decoder.BlockModules,
                ("post_self_attn_layernorm", "post_attention_norm"),
                ("post_mlp_layernorm", "post_ffw_norm")),
            Defaults = new Dictionary<string, double>
            {
                ["rms_norm_eps"] = 1.5625e-7,
                ["rope_theta"] = 10000,
                ["max_position_embeddings"] = 131072,
                ["num_key_value_heads"] = 2,
                ["head_dim"] = 128,
                ["partial_rotary_factor"] = 0.5,
            },
            Interleaved = true,
        },
    ];

    public override bool Interleaves(string name) => true;

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) =>
        LlamaLike(metadata, config) with { NormPlace = NormPlace.BeforeAndAfter };
}
