using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>Gemma 3 (text): five sliding-window layers with a local rotary base, then one that sees all.</summary>
internal sealed class Gemma3 : Architecture
{
    private const int Period = 6;

    public override IReadOnlyList<string> Names => ["gemma3", "gemma3_text"];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config)
    {
        int window = metadata.Window;
        TransformerSpec common = LlamaLike(metadata, config);
        double localBase = metadata.Get("rope.local_freq_base", metadata.Get("rope.freq_base_swa", 10000d));
        var local = new Rotary(RotaryFrequencies.Plain(localBase, config.HeadDim), metadata.File.InterleavedRotary);
        bool IsGlobal(int layer) => layer % Period == Period - 1;
        return common with
        {
            NormPlace = NormPlace.BeforeAndAfter,
            Activation = Activation.GeluTanh,
            EmbeddingScale = MathF.Sqrt(config.Width),
            LogitSoftCap = metadata.Get("final_logit_softcapping", 0f),
            Rotaries = [common.Rotaries[0], new RotaryChoice(local)],
            RotaryOf = layer => IsGlobal(layer) ? 0 : 1,
            WindowOf = layer => IsGlobal(layer) ? int.MaxValue : window,
        };
    }
}
