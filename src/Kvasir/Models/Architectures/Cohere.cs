using Kvasir.Formats;

namespace Kvasir.Models.Architectures;

/// <summary>
/// Command-R and its second generation: attention and feed-forward read the same normalised input and are added together; LayerNorm without
/// bias, scaled logits. In the second, three layers of four slide their window and are rotated, the fourth sees all and is not.
/// </summary>
internal sealed class Cohere : Architecture
{
    private const string Second = "cohere2";
    private const int Period = 4;

    public override IReadOnlyList<string> Names => ["command-r", Second];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } = ReadHuggingFace();

    public override bool Interleaves(string name) => true;

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config)
    {
        bool second = metadata.Architecture == Second;
        if (second) metadata.Require<long>("attention.sliding_window");
        TransformerSpec common =
            LlamaLike(metadata, config, second
                ? Period : 0, NormKind.Layer) with
            { Parallel = true, LogitScale = metadata.Factor("logit_scale") };
        return !second ? common
            : common with
            {
                Layers =
            [.. common.Layers.Select(layer => layer.SeesAll ? layer with { Rotary = RotaryChoice.None } : layer)]
            };
    }

    private static HfArchitecture[] ReadHuggingFace()
    {
        HfArchitecture first = HfArchitecture.Decoder with
        {
            Name = "command-r",
            ModelTypes = ["cohere"],
            Numbers = new Dictionary<string, string> { ["logit_scale"] = "logit_scale" },
            Defaults = new Dictionary<string, double>
            {
                ["layer_norm_eps"] = 1e-5,
                ["rope_theta"] = 500000,
                ["max_position_embeddings"] = 8192,
                ["logit_scale"] = 0.0625
            },
            Implied = new Dictionary<string, string>
            {
                ["position_embedding_type"] = "rope_gptj",
                ["use_parallel_block"] = "true",
                ["order_of_interleaved_layers"] = "local_attn_first"
            },
            Interleaved = true,
            RmsNorm = false,
            Tied = true,
        };
        return
        [
            first,
            first with
            {
                Name = Second,
                ModelTypes = [Second],
                Defaults = HfArchitecture.With(
                    first.Defaults, ("rope_theta", 10000), ("sliding_window", 4096), ("sliding_window_pattern", Period)),
            },
        ];
    }
}
