using Kvasir.Formats;
using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>
/// Turns a file's metadata into what the transformer needs. One small file per architecture under <c>Architectures/</c>;
/// a new one is found by its base class and touches nothing else.
/// </summary>
internal abstract class Architecture
{
    /// <summary>Values of <c>general.architecture</c> that it reads.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    public abstract TransformerSpec Describe(ModelMetadata metadata, ModelConfig config);

    /// <exception cref="InvalidInputException">No such architecture.</exception>
    public static Architecture Find(ModelFile file)
    {
        string name = file.Require<string>("general.architecture");
        Architecture[] known = [.. typeof(Architecture).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Architecture)) && !type.IsAbstract).Select(type => (Architecture)Activator.CreateInstance(type)!)];
        return known.FirstOrDefault(architecture => architecture.Names.Contains(name, StringComparer.Ordinal))
            ?? throw new InvalidInputException($"{file.Path}: architecture '{name}' is not supported (supported: {string.Join(", ", known.SelectMany(architecture => architecture.Names).Order(StringComparer.Ordinal))})");
    }

    /// <summary>Gemma's 27B models, told apart by their layers, scale scores by the width of a head's share and not by its size; GGUF files do not say so.</summary>
    protected static float GemmaScale(TransformerSpec common, ModelMetadata metadata, ModelConfig config, int largestLayers) =>
        config.Layers == largestLayers && metadata.Get("attention.scale", 0f) == 0 ? 1 / MathF.Sqrt((float)config.Width / config.Heads) : common.AttentionScale;

    /// <summary>The common case of a Llama-like decoder, to be varied with <c>with</c>; where there is a sliding window, the last layer of each period sees all (period 0: none does).</summary>
    protected static TransformerSpec LlamaLike(ModelMetadata metadata, ModelConfig config, int slidingPeriod = 0)
    {
        float scale = metadata.Get("attention.scale", 0f);
        int window = metadata.Window;
        Func<int, bool> slides = metadata.SlidingLayers(config.Layers, slidingPeriod);
        return new TransformerSpec
        {
            Norm = NormKind.Rms,
            NormEpsilon = metadata.Get("attention.layer_norm_rms_epsilon", 1e-5f),
            Activation = Activation.Silu,
            AttentionScale = scale != 0 ? scale : 1 / MathF.Sqrt(config.HeadDim),
            Rotaries = [RotaryFrequencies.FromMetadata(metadata, config)],
            WindowOf = layer => slides(layer) ? window : int.MaxValue,
        };
    }
}
