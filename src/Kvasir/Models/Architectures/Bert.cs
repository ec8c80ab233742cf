using Kvasir.Formats;
using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>
/// BERT as a sentence encoder: every token sees all, norms on the sums, no logits. Nomic's has rotary positions and a gate instead of
/// learned positions and GELU.
/// </summary>
internal sealed class Bert : Architecture
{
    private const string Rotated = "nomic-bert";

    public override IReadOnlyList<string> Names => ["bert", Rotated];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        new()
        {
            Name = "bert",
            ModelTypes = ["bert"],
            Prefixes = ["bert.", ""],
            BlockStem = "encoder.layer.",
            Modules = new Dictionary<string, string>
            {
                ["embeddings.word_embeddings"] = "token_embd",
                ["embeddings.position_embeddings"] = "position_embd",
                ["embeddings.token_type_embeddings"] = "token_types",
                ["embeddings.LayerNorm"] = "token_embd_norm",
            },
            BlockModules = new Dictionary<string, string>
            {
                ["attention.self.query"] = "attn_q",
                ["attention.self.key"] = "attn_k",
                ["attention.self.value"] = "attn_v",
                ["attention.output.dense"] = "attn_output",
                ["attention.output.LayerNorm"] = "attn_output_norm",
                ["intermediate.dense"] = "ffn_up",
                ["output.dense"] = "ffn_down",
                ["output.LayerNorm"] = "layer_output_norm",
            },
            Ignored = ["embeddings.position_ids", "pooler.dense.", "cls."],
            Activations = ["gelu"],
            Defaults = new Dictionary<string, double> { ["layer_norm_eps"] = 1e-12, ["max_position_embeddings"] = 512,
                ["type_vocab_size"] = 2 },
            Rotary = false,
            RmsNorm = false,
        },
    ];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => new()
    {
        Norm = NormKind.Layer,
        NormPlace = NormPlace.Sum,
        NormEpsilon = metadata.Epsilon(NormKind.Layer),
        Activation = metadata.Architecture == Rotated ? Activation.Silu : Activation.GeluErf,
        AttentionScale = 1 / MathF.Sqrt(config.HeadDim),
        Causal = metadata.Get("attention.causal", false)
            ? throw new InvalidInputException(
            $"{metadata.File.Path}: {metadata.Architecture}.attention.causal is true; BERT as a decoder is not supported") : false,
        Pooling = metadata.Pooling(Pooling.Mean) is var pooling and not Pooling.None ? pooling
            : throw new InvalidInputException(
                $"{metadata.File.Path}: {metadata.Architecture}.pooling_type is 0 (none), so the model gives no embedding of a text"),
        Layers = LayerSpec.Alike(config, metadata.Architecture == Rotated ? RotaryFrequencies.FromMetadata(metadata, config) : null),
    };
}
