using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>
/// Caches of finished sequences, found by their beginnings: every block of 32 ids has a hash that covers all ids before it,
/// so one look-up per block finds the longest shared beginning. The least recently used go first when the bytes exceed the limit.
/// </summary>
internal sealed class PrefixCache : IDisposable
{
    internal const int BlockTokens = 32;
    private readonly long _limit;
    private readonly BlockHash _hash;
    private readonly Dictionary<ulong, LinkedListNode<Entry>> _blocks = [];
    private readonly LinkedList<Entry> _newestFirst = new();

    public PrefixCache(long limit) : this(limit, Chain) { }

    /// <param name="limit">The most bytes to keep.</param>
    /// <param name="hash">The hash of a block's ids behind the hash of all blocks before it.</param>
    internal PrefixCache(long limit, BlockHash hash) => (_limit, _hash) = (limit, hash);

    internal delegate ulong BlockHash(ulong parent, ReadOnlySpan<int> ids);

    public int Count => _newestFirst.Count;

    public long Bytes { get; private set; }

    public IEnumerable<KvCache> Caches => _newestFirst.Select(entry => entry.Cache);

    /// <summary>
    /// A cache that shares the longest known beginning of <paramref name="prompt"/>, in whole blocks and short of its last token; null
    /// where there is none.
    /// </summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="kind">How caches are kept: only those of the same kind are found.</param>
    public KvCache? Take(List<int> prompt, int kind = 0)
    {
        ReadOnlySpan<int> ids = CollectionsMarshal.AsSpan(prompt);
        LinkedListNode<Entry>? found = null;
        int tokens = 0;
        ulong hash = (ulong)kind;
        for (int start = 0; start + BlockTokens < ids.Length; start += BlockTokens)
        {
            hash = _hash(hash, ids.Slice(start, BlockTokens));
            if (!_blocks.TryGetValue(hash, out LinkedListNode<Entry>? node)) break;
            found = node;
            tokens = start + BlockTokens;
        }

        // Equal hashes of different ids are all but impossible, but would answer from another text.
        if (found is null || found.Value.Kind != kind || !found.Value.Ids.AsSpan(0, tokens).SequenceEqual(ids[..tokens])) return null;
        _newestFirst.Remove(found);
        _newestFirst.AddFirst(found);
        KvCache shared = found.Value.Cache.Fork();
        shared.Truncate(tokens);
        return shared;
    }

    /// <summary>
    /// Takes over a cache, cut to whole blocks; false where it is too short or too large to be kept, and the caller keeps it.
    /// </summary>
    public bool Keep(List<int> ids, KvCache cache, int kind = 0)
    {
        int tokens = Math.Min(ids.Count, cache.Length) / BlockTokens * BlockTokens;
        if (tokens == 0 || _limit == 0) return false;
        cache.Truncate(tokens);
        long bytes = cache.Bytes;
        if (bytes > _limit) return false;
        LinkedListNode<Entry> node = _newestFirst.AddFirst(new Entry([.. ids[..tokens]], cache, bytes, kind));
        Bytes += bytes;
        Register(node);
        Shrink(_limit);
        return true;
    }

    /// <summary>Drops what was least recently used until at most <paramref name="bytes"/> are held.</summary>
    public void Shrink(long bytes)
    {
        while (Bytes > bytes && _newestFirst.Last is { } last) Evict(last);
    }

    public void Dispose()
    {
        while (_newestFirst.Last is { } last) Evict(last);
    }

    private void Register(LinkedListNode<Entry> node)
    {
        ulong hash = (ulong)node.Value.Kind;
        for (int start = 0; start < node.Value.Ids.Length; start += BlockTokens)
        {
            hash = _hash(hash, node.Value.Ids.AsSpan(start, BlockTokens));
            _blocks[hash] = node;
        }
    }

    private void Evict(LinkedListNode<Entry> node)
    {
        _newestFirst.Remove(node);
        foreach (ulong hash in _blocks.Where(pair => pair.Value == node).Select(pair => pair.Key).ToArray()) _blocks.Remove(hash);
        Bytes -= node.Value.Bytes;
        node.Value.Cache.Dispose();
        for (LinkedListNode<Entry>? other = _newestFirst.Last; other is not null; other = other.Previous) Register(other);
    }

    private static ulong Chain(ulong parent, ReadOnlySpan<int> ids)
    {
        ulong hash = parent ^ 0x9E3779B97F4A7C15;
        foreach (int id in ids)
        {
            hash = (hash ^ (uint)id) * 0xD6E8FEB86659FD93;
            hash ^= hash >> 32;
        }

        return hash;
    }

    private sealed record Entry(int[] Ids, KvCache Cache, long Bytes, int Kind);
}
