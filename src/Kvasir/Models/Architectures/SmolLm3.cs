using Kvasir.Formats;

namespace Kvasir.Models.Architectures;

/// <summary>SmolLM3: Llama without rotation on every fourth layer (or as a Hugging Face configuration lists them).</summary>
internal sealed class SmolLm3 : Architecture
{
    private const int Period = 4;

    public override IReadOnlyList<string> Names => ["smollm3"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        HfArchitecture.Decoder with
        {
            Name = "smollm3",
            ModelTypes = ["smollm3"],
            Defaults = new Dictionary<string, double> { ["rms_norm_eps"] = 1e-6, ["rope_theta"] = 2e6, ["max_position_embeddings"] = 32768,
                ["num_key_value_heads"] = 4, ["no_rope_layer_interval"] = Period },
            WindowIsOptional = true,
            Tied = true,
        },
    ];

    public override bool Interleaves(string name) => true;

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config)
    {
        TransformerSpec common = LlamaLike(metadata, config);
        Func<int, bool> rotates = metadata.ByLayer(ModelMetadata.RotatedLayers, config.Layers, Period);
        return common with
        {
            Layers =
            [.. common.Layers.Select((layer, l) => rotates(l) ? layer : layer with { Rotary = RotaryChoice.None })]
        };
    }
}
