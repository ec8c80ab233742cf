using Kvasir.Formats;
using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>
/// Gemma 2: scaled embeddings, norms before and after, soft caps, a sliding window on even layers (or as the file lists them).
/// </summary>
internal sealed class Gemma2 : Architecture
{
    private const int Period = 2, LargestLayers = 46;

    public override IReadOnlyList<string> Names => ["gemma2"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } = [Decoder];

    /// <summary>Gemma 3 differs in little.</summary>
    internal static HfArchitecture Decoder { get; } = HfArchitecture.Decoder with
    {
        Name = "gemma2",
        ModelTypes = ["gemma2"],
        BlockModules = HfArchitecture.With(
            HfArchitecture.Decoder.BlockModules,
            ("post_attention_layernorm", "post_attention_norm"),
            ("pre_feedforward_layernorm", "ffn_norm"),
            ("post_feedforward_layernorm", "post_ffw_norm")),
        Activations = ["gelu_pytorch_tanh", "gelu"], // early files say gelu and mean the tanh form
        Defaults = HfArchitecture.With(
            HfArchitecture.Decoder.Defaults,
            ("head_dim", 256),
            ("num_key_value_heads", 4),
            ("max_position_embeddings", 8192),
            ("sliding_window", 4096),
            ("query_pre_attn_scalar", 256),
            ("attn_logit_softcapping", 50),
            ("final_logit_softcapping", 30)),
        NormsLackOne = true,
        Tied = true,
    };

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config)
    {
        TransformerSpec common = LlamaLike(metadata, config, Period);
        return common with
        {
            NormPlace = NormPlace.BeforeAndAfter,
            Activation = Activation.GeluTanh,
            AttentionScale = GemmaScale(common, metadata, config, LargestLayers),
            EmbeddingScale = MathF.Sqrt(config.Width),
            AttentionSoftCap = metadata.Get("attn_logit_softcapping", 50f),
            LogitSoftCap = metadata.Get("final_logit_softcapping", 30f),
        };
    }

    /// <summary>
    /// The 27B models, told apart by their layers, scale scores by the width of a head's share and not by its size; GGUF files do not say
    /// so.
    /// </summary>
    internal static float GemmaScale(TransformerSpec common, ModelMetadata metadata, ModelConfig config, int largestLayers) =>
        config.Layers == largestLayers && metadata.Get("attention.scale", 0f) == 0
            ? 1 / MathF.Sqrt((float)config.Width / config.Heads) : common.AttentionScale;
}
