using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>Gemma 2: scaled embeddings, norms before and after, soft caps, a sliding window on even layers (or as the file lists them).</summary>
internal sealed class Gemma2 : Architecture
{
    private const int Period = 2, LargestLayers = 46;

    public override IReadOnlyList<string> Names => ["gemma2"];

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
}
