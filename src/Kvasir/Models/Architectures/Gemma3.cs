using Kvasir.Formats;
using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>
/// Gemma 3: five sliding-window layers with a local rotary base, then one that sees all (or as the file lists them). The rows of an image
/// see each other.
/// </summary>
internal sealed class Gemma3 : Architecture
{
    private const int Period = 6, LargestLayers = 62;

    public override IReadOnlyList<string> Names => ["gemma3", "gemma3_text"];

    /// <summary>The text model; an image tower beside it is read as one (Kvasir.Vision).</summary>
    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        Gemma2.Decoder with
        {
            Name = "gemma3",
            ModelTypes = ["gemma3_text", "gemma3"],
            Prefixes = ["model.language_model.", "language_model.model.", "language_model.", "model.", ""],
            Ignored = ["rotary_emb", "vision_tower.", "multi_modal_projector."],
            Defaults = new Dictionary<string, double>
            {
                ["rms_norm_eps"] = 1e-6,
                ["rope_theta"] = 1e6,
                ["rope_local_base_freq"] = 10000,
                ["max_position_embeddings"] = 131072,
                ["vocab_size"] = 262208,
                ["num_attention_heads"] = 8,
                ["num_key_value_heads"] = 4,
                ["head_dim"] = 256,
                ["sliding_window"] = 4096,
                ["query_pre_attn_scalar"] = 256,
            },
        },
    ];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config)
    {
        TransformerSpec common = LlamaLike(metadata, config, Period);
        RotaryChoice local = RotaryChoice.Plain(
            metadata.Get("rope.local_freq_base", metadata.Get("rope.freq_base_swa", 10000d)), metadata, config);
        return common with
        {
            NormPlace = NormPlace.BeforeAndAfter,
            Activation = Activation.GeluTanh,
            AttentionScale = Gemma2.GemmaScale(common, metadata, config, LargestLayers),
            EmbeddingScale = MathF.Sqrt(config.Width),
            RunsSeeThemselves = true,
            LogitSoftCap = metadata.Get("final_logit_softcapping", 0f),
            Layers = [.. common.Layers.Select(layer => layer.SeesAll ? layer : layer with { Rotary = local })],
        };
    }
}
