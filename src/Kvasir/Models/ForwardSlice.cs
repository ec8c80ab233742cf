using Kvasir.Cache;

namespace Kvasir.Models;

/// <summary>The rows of one sequence in a slice.</summary>
/// <param name="Cache">Its cache, as yet without these tokens.</param>
/// <param name="Step">What writes them into it.</param>
/// <param name="FirstRow">Its first row in the slice.</param>
/// <param name="Tokens">Number of rows.</param>
/// <param name="SequenceLength">Tokens of the sequence after the whole batch.</param>
/// <param name="Embeddings">What stands behind ids below 0.</param>
/// <param name="FirstRepaired">Index of its first row among the cache's repaired positions; -1 where the rows are new tokens.</param>
internal readonly record struct SliceEntry(
    KvCache Cache, KvCache.Step Step, int FirstRow, int Tokens, int SequenceLength, InputEmbeddings? Embeddings, int FirstRepaired)
{
    /// <summary>Whether the rows stand in place of tokens that the cache holds already.</summary>
    public bool Repairs => FirstRepaired >= 0;

    /// <summary>What is to be told of its attention, or null.</summary>
    public AttentionStatistics? Observed => Repairs ? null : Cache.Observed;
}

/// <summary>At most <see cref="MaxRows"/> rows of a batch that go through the layers together.</summary>
/// <param name="wholeRuns">Whether the rows of an image see each other, and stand in one slice.</param>
internal sealed class ForwardSlice(bool wholeRuns = false)
{
    public const int MaxRows = 512;

    private readonly int[] _ids = new int[MaxRows], _positions = new int[MaxRows], _entryOfRow = new int[MaxRows],
        _logitRows = new int[MaxRows], _lastSeen = new int[MaxRows];

    public List<SliceEntry> Entries { get; } = [];

    public int Rows { get; private set; }

    /// <summary>How many rows want logits.</summary>
    public int LogitCount { get; private set; }

    public int Id(int row) => _ids[row];

    public int Position(int row) => _positions[row];

    public SliceEntry EntryOf(int row) => Entries[_entryOfRow[row]];

    /// <summary>By row the last position that it sees where that may be another than its own; else null.</summary>
    public int[]? LastSeen => wholeRuns ? _lastSeen : null;

    /// <summary>The row that the n-th logits are of.</summary>
    public int LogitRow(int n) => _logitRows[n];

    public void Clear()
    {
        Entries.Clear();
        (Rows, LogitCount) = (0, 0);
    }

    /// <summary>
    /// Takes as many tokens of the entry from <paramref name="done"/> on as there is room for; returns how many, 0 where an image does not
    /// fit behind the rows that are there.
    /// </summary>
    public int Take(Batch batch, in BatchEntry entry, KvCache.Step step, int done)
    {
        int tokens = Math.Min(Math.Min(entry.Count - done, MaxRows - Rows), entry.Repairs ? MaxRows : entry.Cache.MostRows),
            start = entry.Cache.Length;
        ReadOnlySpan<int> ids = batch.Ids(entry)[done..];
        if (wholeRuns && !entry.Repairs) tokens = EmbeddedRuns.Whole(ids, tokens);
        if (tokens == 0) return 0;
        RepairedPositions? repaired = entry.Repairs ? entry.Cache.Repaired : null;
        Entries.Add(
            new SliceEntry(entry.Cache, step, Rows, tokens, repaired is null
            ? start + entry.Count - done : start, entry.Embeddings, repaired is null ? -1 : done));
        for (int t = 0; t < tokens; t++)
        {
            int row = Rows + t;
            (_ids[row], _positions[row], _entryOfRow[row]) = (ids[t], repaired?[done + t] ?? start + t, Entries.Count - 1);
            _lastSeen[row] = wholeRuns && repaired is null ? start + EmbeddedRuns.EndOf(ids, t) - 1 : _positions[row];
            bool last = done + t == entry.Count - 1;
            if (entry.Rows == LogitRows.All || (entry.Rows == LogitRows.Last && last)) _logitRows[LogitCount++] = row;
        }
        Rows += tokens;
        return tokens;
    }
}
