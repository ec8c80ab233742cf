using System.Security.Cryptography;

namespace Kvasir.Cache;

/// <summary>
/// The factors of all kv heads of one model, with which caches keep thin keys ("Thin Keys, Full Values"). Made by <c>kvasir factor</c>.
/// </summary>
internal sealed class KeyFactors
{
    /// <summary>Largest keys that can be thin: blocks of them are rebuilt on the stack.</summary>
    private const int MostChannels = 512;

    private readonly Lazy<string> _identity;

    /// <param name="model">Identity of the model.</param>
    /// <param name="method">How they were made: <c>prerope</c>, <c>kqsvd</c> or <c>svd</c>.</param>
    /// <param name="layers">By layer and kv head.</param>
    public KeyFactors(string model, string method, IReadOnlyList<IReadOnlyList<HeadFactors>> layers)
    {
        (Model, Method, Layers) = (model, method, layers);
        _identity = new Lazy<string>(Hash);
    }

    public string Model { get; }

    public string Method { get; }

    public IReadOnlyList<IReadOnlyList<HeadFactors>> Layers { get; }

    public IEnumerable<HeadFactors> Heads => Layers.SelectMany(heads => heads);

    /// <summary>
    /// SHA-256 (hex) over the model's identity, the method, and every number: what caches that were made with them carry.
    /// </summary>
    public string Identity => _identity.Value;

    /// <summary>The first digits of the identity, as names of codecs and policies carry them.</summary>
    public string ShortIdentity => Identity[..16];

    /// <summary>Numbers kept of the keys of one token, over all heads.</summary>
    public int TotalRank => Heads.Sum(head => head.Rank);

    /// <summary>What does not fit a model of this layout, or null.</summary>
    public string? Misfit(KvLayout layout)
    {
        if (Layers.Count != layout.Layers.Count) return $"{Layers.Count} layers, the model has {layout.Layers.Count}";
        foreach ((int l, LayerLayout layer) in layout.Layers.Index())
        {
            if (Layers[l].Count != layer.KvHeads) return $"{Layers[l].Count} heads in layer {l}, the model has {layer.KvHeads}";
            foreach ((int h, HeadFactors head) in Layers[l].Index())
            {
                if (head.Channels != layer.KeyChannels)
                    return $"keys of {head.Channels} numbers in layer {l}, the model's have {layer.KeyChannels}";
                if (head.Rank > layer.KeyChannels)
                    return $"rank {head.Rank} in layer {l}, head {h}, above the head size {layer.KeyChannels}";
                if (head.Channels > MostChannels) return $"keys of {head.Channels} numbers in layer {l}; {MostChannels} are the most";
                if (head.BeforeRotation && (layer.Rotary is null || layer.KeyChannels % 2 != 0))
                    return $"layer {l} has no rotation that can be undone";
            }
        }
        return null;
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(Encoding.UTF8.GetBytes($"{Model}\n{Method}\n{Layers.Count}"));
        foreach (HeadFactors head in Heads)
        {
            Append(Encoding.UTF8.GetBytes($"{head.BeforeRotation} {head.Channels} {head.Rank} {head.Mean.Length}"));
            foreach (float[] numbers in new[] { head.Down, head.Up, head.Mean }) Append(MemoryMarshal.AsBytes(numbers.AsSpan()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(ReadOnlySpan<byte> bytes)
        {
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }
}
