using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>Gemma 2: scaled embeddings, norms before and after, soft caps, a sliding window on even layers.</summary>
internal sealed class Gemma2 : Architecture
{
    public override IReadOnlyList<string> Names => ["gemma2"];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config)
    {
        int window = metadata.Window;
        return LlamaLike(metadata, config) with
        {
            NormPlace = NormPlace.BeforeAndAfter,
            Activation = Activation.GeluTanh,
            EmbeddingScale = MathF.Sqrt(config.Width),
            AttentionSoftCap = metadata.Get("attn_logit_softcapping", 50f),
            LogitSoftCap = metadata.Get("final_logit_softcapping", 30f),
            WindowOf = layer => layer % 2 == 0 ? window : int.MaxValue,
        };
    }
}
