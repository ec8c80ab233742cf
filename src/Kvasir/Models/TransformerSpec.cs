using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>Kind of normalisation.</summary>
internal enum NormKind
{
    Rms,
    Layer,
}

/// <summary>Where a block is normalised.</summary>
internal enum NormPlace
{
    /// <summary>The input of attention and feed-forward (GPT-2, Llama).</summary>
    Before,

    /// <summary>Input and output, the latter before it is added (Gemma 2).</summary>
    BeforeAndAfter,

    /// <summary>Output only, before it is added (OLMo 2).</summary>
    After,

    /// <summary>The sum of input and output (BERT).</summary>
    Sum,
}

/// <summary>How a text's embedding is made of its tokens' last states; the numbers are those of GGUF's <c>pooling_type</c>.</summary>
internal enum Pooling
{
    /// <summary>Not at all: the model is no sentence encoder.</summary>
    None = 0,

    /// <summary>Their mean.</summary>
    Mean = 1,

    /// <summary>The first token's ([CLS]).</summary>
    First = 2,

    /// <summary>The last token's.</summary>
    Last = 3,
}

/// <summary>
/// What the one forward pass does differently from architecture to architecture. Biases, query and key norms, fused and tied
/// tensors need no word here: they are used where the file has them.
/// </summary>
internal sealed record TransformerSpec
{
    public required NormKind Norm { get; init; }

    public NormPlace NormPlace { get; init; } = NormPlace.Before;

    public required float NormEpsilon { get; init; }

    public required Activation Activation { get; init; }

    /// <summary>Scale of query · key; 1 / sqrt(head size) unless the file says otherwise.</summary>
    public required float AttentionScale { get; init; }

    public float AttentionSoftCap { get; init; }

    public float LogitSoftCap { get; init; }

    public float EmbeddingScale { get; init; } = 1;

    /// <summary>Factor of what a block adds to the residual stream.</summary>
    public float ResidualScale { get; init; } = 1;

    /// <summary>Factor of the logits, before a soft cap.</summary>
    public float LogitScale { get; init; } = 1;

    /// <summary>The feed-forward layer reads what attention reads, instead of the residual stream after it (Command-R).</summary>
    public bool Parallel { get; init; }

    public bool Causal { get; init; } = true;

    /// <summary>The rows of an image see each other, not only those before them (<see cref="EmbeddedRuns"/>).</summary>
    public bool RunsSeeThemselves { get; init; }

    public Pooling Pooling { get; init; }

    /// <summary>Whether blocks' outputs are normalised before they are added.</summary>
    public bool NormsOutput => NormPlace is NormPlace.BeforeAndAfter or NormPlace.After;

    public required IReadOnlyList<LayerSpec> Layers { get; init; }
}

/// <summary>
/// A rotary embedding, and the one that replaces it in sequences longer than <paramref name="LongFrom"/> (Phi-3's longrope).
/// </summary>
internal sealed record RotaryChoice(Rotary Short, Rotary? Long = null, int LongFrom = int.MaxValue)
{
    /// <summary>Nothing is turned: stored keys fit every position.</summary>
    public static RotaryChoice None { get; } = new(new Rotary([], interleaved: false));

    /// <summary>All channels of a head, without stretching.</summary>
    public static RotaryChoice Plain(double frequencyBase, ModelMetadata metadata, ModelConfig config) =>
        new(new Rotary(RotaryFrequencies.Plain(frequencyBase, config.HeadDim), metadata.File.InterleavedRotary));

    public Rotary For(int sequenceLength) => Long is not null && sequenceLength > LongFrom ? Long : Short;
}
