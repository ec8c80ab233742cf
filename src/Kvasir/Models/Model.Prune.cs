using Kvasir.Cache;
using Kvasir.Cache.Eviction;

namespace Kvasir.Models;

/// <content>Chunks that are stored with part of their tokens.</content>
public sealed partial class Model
{
    /// <summary>
    /// Keeps of a part of a cache, in every kv head by itself, the tokens that are needed most to reproduce it (KVzip, Kim et al. 2025):
    /// the model reads
    /// <paramref name="probe"/>, a request to repeat the text and the text itself, and a token's score is the largest attention weight that
    /// it gets.
    /// </summary>
    /// <param name="cache">A cache of contiguous tokens, best in float32; not changed.</param>
    /// <param name="first">The first token of the part, which goes to the end of the cache.</param>
    /// <param name="probe">Ids that are read behind the cache.</param>
    /// <param name="share">How many of the tokens to keep, above 0 and at most 1; rounded up.</param>
    /// <param name="policy">How the result keeps keys and values.</param>
    /// <param name="embeddings">What stands behind ids below 0.</param>
    /// <param name="cancellation">Stops between slices of 512 tokens.</param>
    /// <returns>A cache of the part alone, at its positions: to be saved from <paramref name="first"/> on.</returns>
    public KvCache Prune(KvCache cache, int first, ReadOnlySpan<int> probe, double share, KvPolicy policy,
        InputEmbeddings? embeddings = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(policy);
        int tokens = cache.Length - first;
        if (share is not (> 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "must be above 0 and at most 1");
        if (tokens is <= 0 or > KeptTokens.LargestSpan)
            throw new ArgumentException($"a part of {tokens} tokens; 1 to {KeptTokens.LargestSpan} can be thinned", nameof(first));
        AttentionStatistics received = AttentionReceived(cache, probe, first, tokens, embeddings, cancellation);
        int count = (int)Math.Ceiling(tokens * share);
        var thinned = NewCache(policy);
        thinned.PlacePruned(cache, first, (layer, head) =>
            [.. TokenSelection.Highest(received[layer].Of(Observations.Largest, head), count).Select(token => (ushort)token)]);
        return thinned;
    }

    /// <summary>
    /// The largest attention that <paramref name="count"/> tokens from <paramref name="first"/> on get from <paramref name="probe"/>, read
    /// behind the cache, which stays as it is.
    /// </summary>
    internal AttentionStatistics AttentionReceived(KvCache cache, ReadOnlySpan<int> probe, int first, int count,
        InputEmbeddings? embeddings = null, CancellationToken cancellation = default)
    {
        var received = new AttentionStatistics(CacheLayout, new ObservedAttention(Observations.Largest), first, count, cache.Length
            + probe.Length, cache.Length);
        using KvCache read = cache.Fork();
        read.Observed = received;
        using var batch = new Batch();
        batch.Add(read, probe, LogitRows.None, embeddings);
        Check(batch);
        lock (_turn) Run(batch, cancellation);
        return received;
    }
}
