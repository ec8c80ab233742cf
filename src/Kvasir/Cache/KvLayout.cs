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
}
