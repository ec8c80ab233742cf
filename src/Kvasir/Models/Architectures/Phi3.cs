using Kvasir.Formats;

namespace Kvasir.Models.Architectures;

/// <summary>Phi-3: Llama's block with fused tensors, a sliding window and longrope.</summary>
internal sealed class Phi3 : Architecture
{
    public override IReadOnlyList<string> Names => ["phi3"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        HfArchitecture.Decoder with
        {
            Name = "phi3",
            ModelTypes = ["phi3"],
            Defaults = HfArchitecture.With(HfArchitecture.Decoder.Defaults, ("rms_norm_eps", 1e-5), ("max_position_embeddings", 4096)),
        },
    ];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => LlamaLike(metadata, config);
}
