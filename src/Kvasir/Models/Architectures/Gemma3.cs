using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>Gemma 3 (text): five sliding-window layers with a local rotary base, then one that sees all (or as the file lists them).</summary>
internal sealed class Gemma3 : Architecture
{
    private const int Period = 6, LargestLayers = 62;

    public override IReadOnlyList<string> Names => ["gemma3", "gemma3_text"];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config)
    {
        TransformerSpec common = LlamaLike(metadata, config, Period);
        double localBase = metadata.Get("rope.local_freq_base", metadata.Get("rope.freq_base_swa", 10000d));
        var local = new Rotary(RotaryFrequencies.Plain(localBase, config.HeadDim), metadata.File.InterleavedRotary);
        Func<int, bool> slides = metadata.SlidingLayers(config.Layers, Period);
        return common with
        {
            NormPlace = NormPlace.BeforeAndAfter,
            Activation = Activation.GeluTanh,
            AttentionScale = GemmaScale(common, metadata, config, LargestLayers),
            EmbeddingScale = MathF.Sqrt(config.Width),
            LogitSoftCap = metadata.Get("final_logit_softcapping", 0f),
            Rotaries = [common.Rotaries[0], new RotaryChoice(local)],
            RotaryOf = layer => slides(layer) ? 1 : 0,
        };
    }
}
