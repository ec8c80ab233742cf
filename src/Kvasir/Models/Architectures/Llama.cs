using Kvasir.Formats;

namespace Kvasir.Models.Architectures;

/// <summary>
/// Llama 1 to 3, SmolLM2, the language model of SmolVLM, Mistral (with its sliding window; in GGUF a llama model too), Qwen 2 (with
/// biases), Qwen 3 (with query and key norms) and Phi-3 (with fused tensors, a sliding window and longrope).
/// </summary>
internal sealed class Llama : Architecture
{
    public override IReadOnlyList<string> Names => ["llama", "mistral", "phi3", "qwen2", "qwen3"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } = ReadHuggingFace();

    public override bool Interleaves(string name) => name == "llama";

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => LlamaLike(metadata, config);

    private static HfArchitecture[] ReadHuggingFace()
    {
        HfArchitecture llama = HfArchitecture.Decoder;
        HfArchitecture qwen2 = llama with
        {
            Name = "qwen2",
            ModelTypes = ["qwen2"],
            Defaults = HfArchitecture.With(
                llama.Defaults, ("max_position_embeddings", 32768), ("sliding_window", 4096), ("max_window_layers", 28)),
            WindowIsOptional = true,
        };
        return
        [
            llama,
            llama with
            {
                ModelTypes = ["idefics3", "smolvlm"],
                Prefixes = ["model.text_model.", .. llama.Prefixes],
                Ignored = [.. llama.Ignored, "vision_model.", "connector."],
            },
            llama with
            {
                ModelTypes = ["mistral"],
                Defaults = HfArchitecture.With(
                    llama.Defaults, ("num_key_value_heads", 8), ("sliding_window", 4096), ("max_position_embeddings", 131072)),
            },
            llama with { Name = "phi3", ModelTypes = ["phi3"],
                Defaults = HfArchitecture.With(llama.Defaults, ("rms_norm_eps", 1e-5), ("max_position_embeddings", 4096)) },
            qwen2,
            qwen2 with { Name = "qwen3", ModelTypes = ["qwen3"], Defaults = HfArchitecture.With(qwen2.Defaults, ("head_dim", 128)) },
        ];
    }
}
