using Kvasir.Cache;

namespace Kvasir.Models;

/// <summary>What mixes the tokens of a sequence in a layer.</summary>
internal enum Mixer
{
    /// <summary>Softmax attention over keys and values; its state is a <see cref="LayerCache"/>.</summary>
    Attention,
}

/// <summary>One layer's shape, and the only place for it: weights, buffers, plans and caches are made by it.</summary>
internal sealed record LayerSpec
{
    public Mixer Mixer { get; init; } = Mixer.Attention;

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    public required int KvHeads { get; init; }

    /// <summary>Channels of a query and of a key.</summary>
    public required int KeySize { get; init; }

    /// <summary>Channels of a value.</summary>
    public required int ValueSize { get; init; }

    /// <summary>Width of the feed-forward layer.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Newest positions that a query sees, or <see cref="int.MaxValue"/>.</summary>
    public int Window { get; init; } = int.MaxValue;

    /// <summary>How query and key are rotated; null where positions are learned.</summary>
    public RotaryChoice? Rotary { get; init; }

    /// <summary>Query heads that share a key-value head.</summary>
    public int Group => Heads / KvHeads;

    public bool SeesAll => Window == int.MaxValue;

    /// <summary>
    /// What its cache is made by. Keys can stand at other positions than they were computed at where one rotation fits all lengths.
    /// </summary>
    public LayerLayout CacheLayout =>
        new(KvHeads, KeySize, ValueSize, Window, Rotary is { Long: null } ? Rotary.Short : null) { Group = Group };

    /// <summary>The layers of a model whose layers have the same sizes.</summary>
    public static IReadOnlyList<LayerSpec> Alike(ModelConfig config, RotaryChoice? rotary, Func<int, int>? windowOf = null) =>
    [
        .. Enumerable.Range(0, config.Layers).Select(layer => new LayerSpec
        {
            Heads = config.Heads,
            KvHeads = config.KvHeads,
            KeySize = config.HeadDim,
            ValueSize = config.ValueDim,
            FeedForward = config.FeedForward,
            Window = windowOf?.Invoke(layer) ?? int.MaxValue,
            Rotary = rotary,
        }),
    ];
}
