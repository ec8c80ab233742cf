using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>The shape of one layer's cache.</summary>
/// <param name="KvHeads">Key-value heads.</param>
/// <param name="KeyChannels">Size of a key.</param>
/// <param name="ValueChannels">Size of a value.</param>
/// <param name="Window">Newest positions that a query sees (sliding window), or <see cref="int.MaxValue"/>.</param>
/// <param name="Rotary">The rotation that stored keys carry; null for models with learned positions.</param>
internal sealed record LayerLayout(int KvHeads, int KeyChannels, int ValueChannels, int Window, Rotary? Rotary)
{
    /// <summary>Query heads of a kv head.</summary>
    public int Group { get; init; } = 1;
}

/// <summary>
/// The shape of a model's caches and the identities that saved ones carry. One object for a model: caches of two models never mix.
/// </summary>
public sealed class KvLayout
{
    private readonly Func<string> _modelIdentity, _tokenizerIdentity;

    internal KvLayout(IReadOnlyList<LayerLayout> layers, AttentionKernels kernels, Func<string> modelIdentity,
        Func<string> tokenizerIdentity)
    {
        (Layers, _modelIdentity, _tokenizerIdentity) = (layers, modelIdentity, tokenizerIdentity);
        Kernels = kernels;
        Codecs = new Codecs(kernels);
        BytesPerTokenF16 = layers.Sum(layer => (long)layer.KvHeads * (layer.KeyChannels + layer.ValueChannels) * sizeof(ushort));
    }

    /// <summary>Identity of the model, SHA-256 as hex.</summary>
    public string ModelIdentity => _modelIdentity();

    /// <summary>Identity of the tokenizer, SHA-256 as hex.</summary>
    public string TokenizerIdentity => _tokenizerIdentity();

    /// <summary>Bytes of one token in float16 over all layers.</summary>
    public long BytesPerTokenF16 { get; }

    internal IReadOnlyList<LayerLayout> Layers { get; }

    /// <summary>The inner loops of attention over its caches.</summary>
    internal AttentionKernels Kernels { get; }

    /// <summary>The codecs of its caches.</summary>
    internal Codecs Codecs { get; }

    /// <summary>The positions that the model was made for.</summary>
    internal int ContextLength { get; init; } = int.MaxValue;

    /// <summary>How products are computed, which keys and values depend on.</summary>
    internal string Computation { get; init; } = "";

    /// <summary>
    /// Whether the rotation of keys depends on the length of the sequence they were computed in, so that the ids before them do not
    /// determine them.
    /// </summary>
    internal bool KeysDependOnLength { get; init; }

    /// <summary>
    /// The most bytes that one slice of a forward pass holds beside what its sequences keep: of one layer, the new tokens of
    /// <paramref name="sequences"/> in float32 until they are sealed, and the block that each worker is encoding. (A single token is no
    /// more than what its sequence may hold anyway.)
    /// </summary>
    internal long PassBytes(int tokens, int sequences, int workers)
    {
        long blocks = sequences == 0 ? 0 : tokens / KvBlock.Tokens + sequences, layer = 0, block = 0;
        foreach (LayerLayout shape in Layers)
        {
            block = Math.Max(block, KvTail.BlockBytes(shape));
            layer = Math.Max(layer, (long)shape.KvHeads * KvTail.BlockBytes(shape));
        }
        return blocks * layer + workers * block;
    }
}
