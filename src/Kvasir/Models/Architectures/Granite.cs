using Kvasir.Formats;

namespace Kvasir.Models.Architectures;

/// <summary>Granite 3 (dense): Llama with factors for embeddings, scores, what each block adds, and logits.</summary>
internal sealed class Granite : Architecture
{
    public override IReadOnlyList<string> Names => ["granite"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        HfArchitecture.Decoder with
        {
            Name = "granite",
            ModelTypes = ["granite"],
            Numbers = new Dictionary<string, string>
            {
                ["embedding_multiplier"] = "embedding_scale",
                ["attention_multiplier"] = "attention.scale",
                ["residual_multiplier"] = "residual_scale",
                ["logits_scaling"] = "logit_scale",
            },
            Defaults = HfArchitecture.With(HfArchitecture.Decoder.Defaults, ("attention_multiplier", 1)),
        },
    ];

    public override bool Interleaves(string name) => true;

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => LlamaLike(metadata, config) with
    {
        EmbeddingScale = metadata.Factor("embedding_scale"),
        ResidualScale = metadata.Factor("residual_scale"),
        LogitScale = 1 / metadata.Factor("logit_scale"),
    };
}
