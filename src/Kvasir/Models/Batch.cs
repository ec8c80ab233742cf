using Kvasir.Cache;
using Kvasir.Memory;

namespace Kvasir.Models;

/// <summary>Which rows of a sequence's logits are wanted.</summary>
public enum LogitRows
{
    /// <summary>None.</summary>
    None,

    /// <summary>The last token's.</summary>
    Last,

    /// <summary>Every token's.</summary>
    All,
}

/// <summary>Tokens of any number of sequences for one forward pass, and the logits that it leaves. Reused from step to step.</summary>
public sealed unsafe class Batch : IDisposable
{
    private readonly List<BatchEntry> _entries = [];
    private readonly List<int> _ids = [];
    private NativeBuffer? _logits;
    private int _vocabulary;

    /// <summary>Tokens added.</summary>
    public int TokenCount => _ids.Count;

    /// <summary>Rows of logits after the forward pass, in the order of the tokens added.</summary>
    public int LogitRowCount { get; private set; }

    internal List<BatchEntry> Entries => _entries;

    /// <summary>Removes all tokens.</summary>
    public void Clear()
    {
        _entries.Clear();
        _ids.Clear();
        LogitRowCount = 0;
    }

    /// <summary>Adds the next tokens of a sequence; each cache may stand in a batch once.</summary>
    /// <param name="cache">The sequence so far.</param>
    /// <param name="ids">Token ids, and ids of rows of <paramref name="embeddings"/>; of an image all that are not in the cache, for in
    /// some models they see each other.</param>
    /// <param name="rows">Which rows of logits are wanted.</param>
    /// <param name="embeddings">What stands behind ids below 0.</param>
    public void Add(KvCache cache, ReadOnlySpan<int> ids, LogitRows rows = LogitRows.Last, InputEmbeddings? embeddings = null) =>
        Add(cache, ids, rows, embeddings, repairs: false);

    /// <summary>Adds the tokens at a cache's repaired positions.</summary>
    internal void AddRepaired(KvCache cache, ReadOnlySpan<int> ids, InputEmbeddings? embeddings = null) =>
        Add(cache, ids, LogitRows.None, embeddings, repairs: true);

    /// <summary>The logits of one row, [vocabulary]; valid (and free to be changed) until the next forward pass.</summary>
    public Span<float> Logits(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, LogitRowCount);
        return new Span<float>(LogitRow(row), _vocabulary);
    }

    /// <inheritdoc/>
    public void Dispose() => _logits?.Dispose();

    internal int Id(int index) => _ids[index];

    internal ReadOnlySpan<int> Ids(in BatchEntry entry) => CollectionsMarshal.AsSpan(_ids).Slice(entry.FirstId, entry.Count);

    internal float* LogitRow(int row) => (float*)_logits!.Pointer + (long)row * _vocabulary;

    private void Add(KvCache cache, ReadOnlySpan<int> ids, LogitRows rows, InputEmbeddings? embeddings, bool repairs)
    {
        ArgumentNullException.ThrowIfNull(cache);
        if (ids.IsEmpty) throw new ArgumentException("a sequence must bring at least one token", nameof(ids));
        foreach (BatchEntry entry in _entries)
            if (ReferenceEquals(entry.Cache, cache)) throw new ArgumentException("the cache stands in the batch already", nameof(cache));
        _entries.Add(new BatchEntry(cache, _ids.Count, ids.Length, rows, embeddings, repairs));
        foreach (int id in ids) _ids.Add(id);
    }

    /// <summary>Makes room for the logits of all entries.</summary>
    internal void PrepareLogits(int vocabulary)
    {
        int rows = 0;
        foreach (BatchEntry entry in _entries) rows += entry.Rows switch { LogitRows.None => 0, LogitRows.Last => 1, _ => entry.Count };
        (LogitRowCount, _vocabulary) = (rows, vocabulary);
        long bytes = (long)rows * vocabulary * sizeof(float);
        if (_logits is not null && _logits.Length >= bytes) return;
        _logits?.Dispose();
        _logits = new NativeBuffer(bytes);
    }
}

/// <summary>The tokens of one sequence in a batch: new ones, or those at the cache's repaired positions.</summary>
internal readonly record struct BatchEntry(KvCache Cache, int FirstId, int Count, LogitRows Rows, InputEmbeddings? Embeddings, bool Repairs)
{
    /// <summary>Tokens that the sequence is longer by afterwards.</summary>
    public int Growth => Repairs ? 0 : Count;

    /// <summary>Begins to write these tokens into the cache.</summary>
    public KvCache.Step BeginStep(long passBytes) => Repairs ? Cache.BeginRepairStep(passBytes) : Cache.BeginStep(Count, passBytes);
}
