using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>The shape of one layer's cache.</summary>
/// <param name="KvHeads">Key-value heads.</param>
/// <param name="KeyChannels">Size of a key.</param>
/// <param name="ValueChannels">Size of a value.</param>
/// <param name="Window">Newest positions that a query sees (sliding window), or <see cref="int.MaxValue"/>.</param>
/// <param name="Rotary">The rotation that stored keys carry; null for models with learned positions.</param>
internal sealed record LayerLayout(int KvHeads, int KeyChannels, int ValueChannels, int Window, Rotary? Rotary);

/// <summary>The shape of a model's cache and the identities that saved caches carry.</summary>
internal sealed record KvLayout(IReadOnlyList<LayerLayout> Layers, AttentionKernels Kernels, Func<string> ModelIdentity, Func<string> TokenizerIdentity)
{
    /// <summary>The codecs of its caches.</summary>
    public Codecs Codecs { get; } = new(Kernels);

    /// <summary>Bytes of one token in float16 over all layers.</summary>
    public long BytesPerTokenF16 { get; } = Layers.Sum(layer => (long)layer.KvHeads * (layer.KeyChannels + layer.ValueChannels) * sizeof(ushort));

    /// <summary>
    /// The most bytes that one slice of a forward pass holds beside what its sequences keep: of one layer, the new tokens of <paramref name="sequences"/> in
    /// float32 until they are sealed, and the block that each worker is encoding. (A single token is no more than what its sequence may hold anyway.)
    /// </summary>
    public long PassBytes(int tokens, int sequences, int workers)
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
