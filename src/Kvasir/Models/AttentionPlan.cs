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
/// How a layer's attention over a slice is cut into pieces for the workers: by sequences, kv heads and tiles of tokens, and where such a
/// piece is a large share of the whole, by blocks (their partial results are merged by the usual log-sum-exp rule). What a piece costs
/// follows from the tokens that its own head holds; long ones are handed out first, so that short ones fill the gaps at the end. Layers
/// whose heads hold as much as the layer's before share its plan.
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
    private readonly List<(int Entry, int KvHead, int Blocks)> _heads = [], _headsBefore = [];
    private readonly IReadOnlyList<LayerSpec> _layers;
    private readonly int _workers;
    private readonly bool _apart;
    private NativeBuffer _partials;
    private LayerSpec? _planned;
    private int _channels, _group, _partialRows, _next;

    /// <summary>
    /// <paramref name="apart"/>: each sequence is cut as if it were alone, so that its results do not depend on what is computed beside it.
    /// </summary>
    public AttentionPlan(IReadOnlyList<LayerSpec> layers, int workers, bool apart = false)
    {
        (_layers, _workers, _apart) = (layers, workers, apart);
        _channels = layers.Max(layer => layer.ValueSize);
        // all that single tokens are ever cut into
        _partials = new NativeBuffer(PartialBytes((long)PiecesOfWorker * workers * workers * layers.Max(layer => layer.Group)));
    }

    public int Count => _items.Count;

    public AttentionItem this[int item] => _items[item];

    /// <summary>A slice begins.</summary>
    public void Begin() => _planned = null;

    /// <summary>Plans a layer, whose caches have taken in the slice's tokens. By one thread, before the others take items.</summary>
    public void Build(ForwardSlice slice, int layer)
    {
        Volatile.Write(ref _next, 0);
        LayerSpec spec = _layers[layer];
        _heads.Clear();
        for (int e = 0; e < slice.Entries.Count; e++)
        {
            HeadCache[] heads = slice.Entries[e].Cache.Layers[layer].Heads;
            for (int h = 0; h < heads.Length; h++) _heads.Add((e, h, KvBlock.CountFor(heads[h].TokenCount)));
        }
        bool same = _planned is not null && (_planned.Group, _planned.ValueSize) == (spec.Group, spec.ValueSize)
            && CollectionsMarshal.AsSpan(_heads).SequenceEqual(CollectionsMarshal.AsSpan(_headsBefore));
        if (same) return;
        (_planned, _channels, _group) = (spec, spec.ValueSize, spec.Group);
        _headsBefore.Clear();
        _headsBefore.AddRange(_heads);
        Cut(slice);
    }

    private void Cut(ForwardSlice slice)
    {
        _items.Clear();
        _partialRows = 0;
        int tileTokens = Math.Max(1, TileRows / _group);
        long all = Work(slice, entry: -1);
        CollectionsMarshal.AsSpan(_heads).Sort(static (a, b) => (b.Blocks, a.Entry, a.KvHead).CompareTo((a.Blocks, b.Entry, b.KvHead)));
        foreach ((int e, int head, int blocks) in _heads)
        {
            int tokens = slice.Entries[e].Tokens;
            long piece = (long)Math.Min(tileTokens, tokens) * blocks, work = Math.Max(1, _apart ? Work(slice, e) : all),
                share = (PiecesOfWorker * _workers * piece + work - 1) / work;
            int parts = (int)Math.Min(share, Math.Clamp(blocks / PartBlocks, 1, _workers));
            for (int token = 0; token < tokens; token += tileTokens)
                AddTile(e, head, token, Math.Min(tileTokens, tokens - token), Math.Max(1, parts));
        }
        long bytes = PartialBytes(_partialRows);
        if (_partials.Length >= bytes) return;
        _partials.Dispose();
        _partials = new NativeBuffer(bytes);
    }

    /// <summary>Blocks times queries of one entry, or of all.</summary>
    private long Work(ForwardSlice slice, int entry)
    {
        long work = 0;
        foreach ((int e, _, int blocks) in _heads)
            if (entry < 0 || e == entry) work += (long)slice.Entries[e].Tokens * blocks;
        return work;
    }

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

    /// <summary>
    /// Merges row <paramref name="row"/> of the parts that start with item <paramref name="first"/> into <paramref name="output"/>
    /// [channels]; the logarithm of the softmax's sum.
    /// </summary>
    public float Merge(int first, int row, float* output)
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
        return maximum + MathF.Log(sum);
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
