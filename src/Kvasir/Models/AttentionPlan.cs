using Kvasir.Cache;
using Kvasir.Memory;

namespace Kvasir.Models;

/// <summary>One piece of a layer's attention: a tile of queries of one kv head, over one part of the blocks.</summary>
/// <param name="Entry">Index of the slice's entry.</param>
/// <param name="KvHead">The kv head.</param>
/// <param name="FirstToken">First token of the tile, counted within the entry.</param>
/// <param name="Tokens">Tokens of the tile.</param>
/// <param name="Part">Which part of the blocks.</param>
/// <param name="Parts">How many parts; more than one are merged afterwards.</param>
/// <param name="PartialRow">Where its unmerged rows lie.</param>
internal readonly record struct AttentionItem(int Entry, int KvHead, int FirstToken, int Tokens, int Part, int Parts, int PartialRow);

/// <summary>
/// How the attention of a slice is cut into pieces for the workers: by sequences, kv heads and tiles of tokens, and where such a piece is a large share
/// of the whole, by blocks (their partial results are merged by the usual log-sum-exp rule). Long sequences are handed out first, so that short ones
/// fill the gaps at the end. The same for all layers.
/// </summary>
internal sealed unsafe class AttentionPlan : IDisposable
{
    /// <summary>Query rows of a tile, about.</summary>
    private const int TileRows = 48;

    /// <summary>Fewest blocks of a part.</summary>
    private const int PartBlocks = 4;

    /// <summary>Pieces for each worker from which on the last ones even out.</summary>
    private const int PiecesOfWorker = 8;

    private readonly List<AttentionItem> _items = [];
    private readonly List<(int Entry, int Blocks)> _longestFirst = [];
    private readonly int _group, _kvHeads, _channels, _workers;
    private readonly bool _apart;
    private NativeBuffer _partials;
    private int _partialRows, _next;

    /// <summary><paramref name="apart"/>: each sequence is cut as if it were alone, so that its results do not depend on what is computed beside it.</summary>
    public AttentionPlan(int heads, int kvHeads, int channels, int workers, bool apart = false)
    {
        _apart = apart;
        (_group, _kvHeads, _channels, _workers) = (heads / kvHeads, kvHeads, channels, workers);
        _partials = new NativeBuffer(PartialBytes((long)PiecesOfWorker * workers * workers * _group)); // all that single tokens are ever cut into
    }

    public int Count => _items.Count;

    public AttentionItem this[int item] => _items[item];

    /// <summary>Plans a slice; <paramref name="whole"/>: no piece is cut by blocks.</summary>
    public void Build(ForwardSlice slice, bool whole = false)
    {
        _items.Clear();
        _partialRows = 0;
        Restart();
        int tileTokens = Math.Max(1, TileRows / _group);
        long all = 0;
        _longestFirst.Clear();
        for (int e = 0; e < slice.Entries.Count; e++)
        {
            SliceEntry entry = slice.Entries[e];
            int blocks = KvBlock.CountFor(entry.Cache.Length + entry.Tokens);
            all += (long)_kvHeads * entry.Tokens * blocks;
            _longestFirst.Add((e, blocks));
        }
        CollectionsMarshal.AsSpan(_longestFirst).Sort(static (a, b) => a.Blocks != b.Blocks ? b.Blocks.CompareTo(a.Blocks) : a.Entry.CompareTo(b.Entry));
        foreach ((int e, int blocks) in _longestFirst)
        {
            int tokens = slice.Entries[e].Tokens;
            long work = _apart ? (long)_kvHeads * tokens * blocks : all;
            long piece = (long)Math.Min(tileTokens, tokens) * blocks, share = (PiecesOfWorker * _workers * piece + work - 1) / work;
            int parts = whole ? 1 : (int)Math.Min(share, Math.Clamp(blocks / PartBlocks, 1, _workers));
            for (int head = 0; head < _kvHeads; head++)
                for (int token = 0; token < tokens; token += tileTokens) AddTile(e, head, token, Math.Min(tileTokens, tokens - token), parts);
        }
        long bytes = PartialBytes(_partialRows);
        if (_partials.Length >= bytes) return;
        _partials.Dispose();
        _partials = new NativeBuffer(bytes);
    }

    /// <summary>Starts handing out items anew; one thread calls it between barriers.</summary>
    public void Restart() => Volatile.Write(ref _next, 0);

    /// <summary>The next item that nobody has taken.</summary>
    public bool TryTake(out AttentionItem item)
    {
        int index = Interlocked.Increment(ref _next) - 1;
        bool taken = index < _items.Count;
        item = taken ? _items[index] : default;
        return taken;
    }

    /// <summary>Unmerged output rows [rows, channels] of an item.</summary>
    public float* PartialOutput(in AttentionItem item) => (float*)_partials.Pointer + (long)item.PartialRow * _channels;

    public float* PartialMaximum(in AttentionItem item) => (float*)_partials.Pointer + (long)_partialRows * _channels + item.PartialRow;

    public float* PartialSum(in AttentionItem item) => PartialMaximum(item) + _partialRows;

    /// <summary>Merges row <paramref name="row"/> of the parts that start with item <paramref name="first"/> into <paramref name="output"/> [channels].</summary>
    public void Merge(int first, int row, float* output)
    {
        int parts = _items[first].Parts;
        float maximum = float.NegativeInfinity, sum = 0;
        for (int p = 0; p < parts; p++) maximum = MathF.Max(maximum, PartialMaximum(_items[first + p])[row]);
        new Span<float>(output, _channels).Clear();
        for (int p = 0; p < parts; p++)
        {
            AttentionItem item = _items[first + p];
            float weight = MathF.Exp(PartialMaximum(item)[row] - maximum);
            sum += weight * PartialSum(item)[row];
            float* part = PartialOutput(item) + row * _channels;
            for (int c = 0; c < _channels; c++) output[c] += weight * part[c];
        }
        for (int c = 0; c < _channels; c++) output[c] /= sum;
    }

    public void Dispose() => _partials.Dispose();

    private long PartialBytes(long rows) => rows * (_channels + 2) * sizeof(float);

    private void AddTile(int entry, int head, int token, int tokens, int parts)
    {
        for (int part = 0; part < parts; part++)
        {
            _items.Add(new AttentionItem(entry, head, token, tokens, part, parts, parts > 1 ? _partialRows : 0));
            if (parts > 1) _partialRows += tokens * _group;
        }
    }
}
