using Kvasir.Formats;
using Kvasir.Models.Architectures;
using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>
/// Turns a file's metadata into what the transformer needs, and says what a Hugging Face folder of the same model is called in GGUF's
/// terms. One small file per architecture under <c>Architectures/</c>, and its name in <see cref="All"/>.
/// </summary>
internal abstract class Architecture
{
    /// <summary>All that can be run.</summary>
    public static IReadOnlyList<Architecture> All { get; } =
        [new Bert(), new Cohere(), new Gemma2(), new Gemma3(), new Glm4(), new Gpt2(), new Granite(), new Llama(), new Olmo2(),
            new SmolLm3(), new StarCoder2()];

    /// <summary>What their files call things.</summary>
    public static IArchitectureNames FileNames { get; } = new NamesOfAll();

    /// <summary>Values of <c>general.architecture</c> that it reads.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>The model types of Hugging Face that it reads.</summary>
    public abstract IReadOnlyList<HfArchitecture> HuggingFace { get; }

    /// <summary>
    /// Whether GGUF files of this name have the rows of query and key matrices permuted so that neighbouring channels are rotated together.
    /// </summary>
    public virtual bool Interleaves(string name) => false;

    public abstract TransformerSpec Describe(ModelMetadata metadata, ModelConfig config);

    /// <exception cref="InvalidInputException">No such architecture.</exception>
    public static Architecture Find(ModelFile file)
    {
        string name = file.Require<string>("general.architecture");
        return ByName(name) ?? throw new InvalidInputException(
            $"{file.Path}: architecture '{name}' is not supported (supported: "
                + $"{string.Join(", ", All.SelectMany(architecture => architecture.Names).Order(StringComparer.Ordinal))})");
    }

    /// <summary>The architecture of a name, or null.</summary>
    public static Architecture? ByName(string name) =>
        All.FirstOrDefault(architecture => architecture.Names.Contains(name, StringComparer.Ordinal));

    /// <summary>
    /// The common case of a Llama-like decoder, to be varied with <c>with</c>; where there is a sliding window, the last layer of each
    /// period sees all (period 0: none does).
    /// </summary>
    protected static TransformerSpec LlamaLike(
        ModelMetadata metadata, ModelConfig config, int slidingPeriod = 0, NormKind norm = NormKind.Rms)
    {
        float scale = metadata.Get("attention.scale", 0f);
        int window = metadata.Window;
        Func<int, bool> slides = metadata.ByLayer(ModelMetadata.SlidingLayers, config.Layers, slidingPeriod);
        return new TransformerSpec
        {
            Norm = norm,
            NormEpsilon = metadata.Epsilon(norm),
            Activation = Activation.Silu,
            AttentionScale = scale != 0 ? scale : 1 / MathF.Sqrt(config.HeadDim),
            Layers = LayerSpec.Alike(config, RotaryFrequencies.FromMetadata(metadata, config), layer =>
                slides(layer) ? window : int.MaxValue),
            Causal = metadata.Get("attention.causal", true),
            Pooling = metadata.Pooling(Pooling.None),
        };
    }

    private sealed class NamesOfAll : IArchitectureNames
    {
        public IReadOnlyList<HfArchitecture> HuggingFace { get; } = [.. All.SelectMany(architecture => architecture.HuggingFace)];

        public bool Interleaves(string ggufName) => ByName(ggufName)?.Interleaves(ggufName) == true;
    }
}
