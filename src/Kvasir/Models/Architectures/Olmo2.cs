using Kvasir.Formats;

namespace Kvasir.Models.Architectures;

/// <summary>OLMo 2: what a block gives is normalised, not what it reads; query and key are normalised over all heads together.</summary>
internal sealed class Olmo2 : Architecture
{
    public override IReadOnlyList<string> Names => ["olmo2"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        HfArchitecture.Decoder with
        {
            Name = "olmo2",
            ModelTypes = ["olmo2"],
            BlockModules = HfArchitecture.With(
                HfArchitecture.Decoder.BlockModules,
                ("post_attention_layernorm", "post_attention_norm"),
                ("post_feedforward_layernorm", "post_ffw_norm")),
            Defaults = HfArchitecture.With(HfArchitecture.Decoder.Defaults, ("rms_norm_eps", 1e-5)),
        },
    ];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => metadata.Window == int.MaxValue
        ? LlamaLike(metadata, config) with { NormPlace = NormPlace.After }
        : throw new InvalidInputException(
            $"{metadata.File.Path}: {metadata.Architecture}.attention.sliding_window: OLMo 3 is not supported (OLMo 2 is)");
}
