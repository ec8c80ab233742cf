using System.Numerics.Tensors;
using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>What is added up of attention while queries are computed.</summary>
[Flags]
internal enum Observations
{
    None = 0,

    /// <summary>All weights that a position gets, by query head.</summary>
    Sums = 1,

    /// <summary>The largest weight that a position gets, by kv head.</summary>
    Largest = 2,

    /// <summary>The weights of the prompt's last queries, by query head.</summary>
    Recent = 4,

    /// <summary>The weights of queries that stand close behind a position, by query head.</summary>
    Local = 8,

    /// <summary>
    /// The largest weight that a position gets, over the length of the hidden state that its value is added to, by query head.
    /// </summary>
    Contributions = 32,

    /// <summary>Mean and covariance of the queries as they are before their rotation, by query head.</summary>
    Queries = 16,
}

/// <summary>What is to be observed.</summary>
/// <param name="Kinds">Which sums.</param>
/// <param name="RecentRows">The last queries that <see cref="Observations.Recent"/> is of.</param>
/// <param name="LocalTokens">A query adds to <see cref="Observations.Local"/> of so many positions up to its own.</param>
internal readonly record struct ObservedAttention(Observations Kinds, int RecentRows = 0, int LocalTokens = 0);

/// <summary>
/// The attention that a range of positions of one sequence gets from the queries of forward passes: an output that a pass gives when it is
/// asked for. Scores are computed a second time, block by block, with the sums of the softmax known; no matrix is stored.
/// </summary>
internal sealed class AttentionStatistics
{
    /// <summary>The first positions draw attention whatever is asked; the mean of the queries is taken without theirs.</summary>
    public const int FirstMeantQuery = 4;

    private readonly LayerAttention[] _layers;
    private readonly Numbers _numbers;
    private Numbers? _before;

    /// <param name="layout">The model's.</param>
    /// <param name="what">What is wanted.</param>
    /// <param name="first">The first position told of.</param>
    /// <param name="count">Positions told of.</param>
    /// <param name="endQuery">The position behind the last query that will come.</param>
    /// <param name="firstQuery">The position of the first.</param>
    /// <param name="isFreed">
    /// Whether who makes them gives their memory back with <see cref="Free"/> (of a long prompt tens of megabytes), and holds on to them as
    /// long as they are read; else it is the garbage collector's.
    /// </param>
    public AttentionStatistics(KvLayout layout, ObservedAttention what, int first, int count, int endQuery, int firstQuery,
        bool isFreed = false)
    {
        (What, First, Count, FirstQuery, EndQuery) = (what, first, count, firstQuery, endQuery);
        _layers = new LayerAttention[layout.Layers.Count];
        long floats = 0;
        for (int layer = 0; layer < _layers.Length; layer++)
            _layers[layer] = new LayerAttention(this, layout.Layers[layer], ref floats);
        _numbers = new Numbers(floats, isFreed);
    }

    public ObservedAttention What { get; }

    public int First { get; }

    public int Count { get; }

    /// <summary>Earlier queries were not observed: their keys and values came from elsewhere.</summary>
    public int FirstQuery { get; }

    public int EndQuery { get; }

    public LayerAttention this[int layer] => _layers[layer];

    /// <summary>Before a pass: what it adds can be taken back.</summary>
    public void Remember() => _numbers.CopyTo(_before ??= _numbers.Another());

    /// <summary>Takes back what was added since <see cref="Remember"/>.</summary>
    public void Restore() => _before?.CopyTo(_numbers);

    /// <summary>Gives the memory back now: nothing may be read any more.</summary>
    public void Free()
    {
        _numbers.Free();
        _before?.Free();
    }

    /// <summary>Numbers of a layer.</summary>
    internal Span<float> Floats(long first, int count) => _numbers.Span(first, count);

    /// <summary>Floats outside the managed heap, or in it.</summary>
#pragma warning disable CA1001 // freed by Free
    private sealed class Numbers(long count, bool isNative)
#pragma warning restore CA1001
    {
        private readonly NativeBuffer? _native = isNative ? new NativeBuffer(count * sizeof(float)) : null;
        private readonly float[] _managed = isNative ? [] : new float[count];

        public Numbers Another() => new(count, isNative);

        public Span<float> Span(long first, int length) => _native is null ? _managed.AsSpan((int)first, length)
            : _native.Span<float>(first * sizeof(float), length);

        public unsafe void CopyTo(Numbers to)
        {
            if (_native is null) _managed.CopyTo(to._managed, 0);
            else Buffer.MemoryCopy(_native.Pointer, to._native!.Pointer, to._native.Length, _native.Length);
        }

        public void Free() => _native?.Dispose();
    }
}

/// <summary>The statistics of one layer. Different heads, and different positions of a head, may be written by different threads.</summary>
internal sealed class LayerAttention
{
    private readonly AttentionStatistics _of;
    private readonly int _group, _channels;
    private readonly Part _sums, _largest, _contributions, _recent, _local, _queryMeans, _queryProducts;

    /// <param name="of">What the layer is a part of.</param>
    /// <param name="layout">The layer.</param>
    /// <param name="floats">How many numbers lie before this layer's; moved behind them.</param>
    public LayerAttention(AttentionStatistics of, LayerLayout layout, ref long floats)
    {
        (_of, _group, _channels) = (of, layout.Group, layout.KeyChannels);
        int heads = layout.KvHeads * layout.Group;
        _sums = Take(Observations.Sums, heads, of.Count, ref floats);
        _recent = Take(Observations.Recent, heads, of.Count, ref floats);
        _local = Take(Observations.Local, heads, of.Count, ref floats);
        _largest = Take(Observations.Largest, layout.KvHeads, of.Count, ref floats);
        _contributions = Take(Observations.Contributions, heads, of.Count, ref floats);
        _queryMeans = Take(Observations.Queries, heads, _channels, ref floats);
        _queryProducts = Take(Observations.Queries, heads, _channels * _channels, ref floats);
    }

    public int First => _of.First;

    /// <summary>[positions] of a query head; of a kv head where that is what the kind is told by.</summary>
    public Span<float> Of(Observations kind, int head) => kind switch
    {
        Observations.Sums => Of(_sums, head),
        Observations.Recent => Of(_recent, head),
        Observations.Local => Of(_local, head),
        Observations.Contributions => Of(_contributions, head),
        _ => Of(_largest, head),
    };

    /// <summary>Sum of a query head's scaled queries, [channels].</summary>
    public Span<float> QuerySum(int head) => Of(_queryMeans, head);

    /// <summary>Sum of the outer products of a query head's scaled queries, [channels, channels].</summary>
    public Span<float> QueryProducts(int head) => Of(_queryProducts, head);

    public bool WantsQueries => _queryMeans.Length > 0;

    public bool WantsWeights => _sums.Length + _largest.Length + _recent.Length + _contributions.Length > 0;

    public bool WantsContributions => _contributions.Length > 0;

    /// <summary>Adds weights of one query to positions that follow each other.</summary>
    /// <param name="kvHead">The kv head.</param>
    /// <param name="member">Which query head of its group.</param>
    /// <param name="query">Position of the query.</param>
    /// <param name="weights">[positions]</param>
    /// <param name="position">The position of the first weight.</param>
    public void Add(int kvHead, int member, int query, ReadOnlySpan<float> weights, int position)
    {
        int skip = Math.Max(0, First - position), end = Math.Min(weights.Length, First + _of.Count - position);
        if (skip >= end) return;
        weights = weights[skip..end];
        int at = position + skip - First, head = kvHead * _group + member;
        if (_sums.Length > 0) Sum(weights, Of(Observations.Sums, head).Slice(at, weights.Length));
        if (_largest.Length > 0) Raise(weights, Of(Observations.Largest, kvHead).Slice(at, weights.Length));
        if (_contributions.Length > 0) Raise(weights, Of(Observations.Contributions, head).Slice(at, weights.Length));
        if (_recent.Length > 0 && query >= _of.EndQuery - _of.What.RecentRows) Sum(weights, Of(Observations.Recent, head)
            .Slice(at, weights.Length));
        int far = Math.Max(0, query - _of.What.LocalTokens + 1 - First - at);
        if (_local.Length > 0 && far < weights.Length) Sum(weights[far..], Of(Observations.Local, head)
            .Slice(at + far, weights.Length - far));
    }

    private static void Raise(ReadOnlySpan<float> weights, Span<float> largest) => TensorPrimitives.Max(largest, weights, largest);

    private static void Sum(ReadOnlySpan<float> weights, Span<float> sums) => TensorPrimitives.Add(sums, weights, sums);

    private Part Take(Observations kind, int heads, int length, ref long floats)
    {
        if (!_of.What.Kinds.HasFlag(kind)) return default;
        var part = new Part(floats, length);
        floats += (long)heads * length;
        return part;
    }

    private Span<float> Of(Part part, int head) => _of.Floats(part.First + (long)head * part.Length, part.Length);

    /// <summary>One kind's numbers.</summary>
    /// <param name="First">Where they begin.</param>
    /// <param name="Length">Numbers of a head; 0 where the kind is not observed.</param>
    private readonly record struct Part(long First, int Length);
}
