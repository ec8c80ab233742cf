using Kvasir.Cache;
using Kvasir.Documents.Answering;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Storage;
using Kvasir.Memory;

namespace Kvasir.Documents.Ingesting;

/// <summary>
/// Computes the KV of chunks and stores it; where a shelf of another policy has it and keeps more, that is converted instead. What the
/// quota has no room for is left to the questions that need it.
/// </summary>
internal sealed class KvBuilder
{
    private readonly IAnswerModel _model;
    private readonly KvShelf _shelf;
    private readonly IReadOnlyList<KvShelf> _richer;
    private readonly ChunkComputation _chunks;
    private readonly FileQuota _quota;
    private readonly HashSet<string> _stored;
    private TimeSpan _time;

    public KvBuilder(IAnswerModel model, KvShelf shelf, IEnumerable<KvShelf> richer, SharedPrefix prefix, ChunkComputation chunks,
        FileQuota quota)
    {
        _model = model;
        _shelf = shelf;
        _richer = [.. richer];
        _chunks = chunks;
        _quota = quota;
        shelf.Prepare();
        prefix.Store(shelf);
        _stored = shelf.Names();
    }

    public int ComputedChunks { get; private set; }

    public long ComputedTokens { get; private set; }

    public int ConvertedChunks { get; private set; }

    /// <summary>Chunks that were left without KV because the quota has no room.</summary>
    public int LeftOutChunks { get; private set; }

    public bool Has(StoredChunk chunk) => _stored.Contains(chunk.KvName);

    /// <summary>
    /// Makes and stores the KV of a chunk. What is <paramref name="unchanged"/> has lost its KV to the quota before, so it takes free room
    /// only: else ingesting two folders by turns would compute each anew at the cost of the other. What is new takes the room of what was
    /// used least recently, but never of what this run has stored. Nothing is computed that has no room.
    /// </summary>
    public void Build(StoredChunk chunk, bool unchanged, CancellationToken cancellation)
    {
        void MakeRoom(long bytes) => _quota.Reserve(bytes, evict: !unchanged);
        try
        {
            if (_richer.Any(other => TryConvert(other, chunk.KvName, MakeRoom)))
            {
                ConvertedChunks++;
                _stored.Add(chunk.KvName);
            }
            else if (_quota.HasRoom(_chunks.SavedBytes(chunk.Tokens), evict: !unchanged))
            {
                Compute(chunk, MakeRoom, cancellation);
                _stored.Add(chunk.KvName);
            }
            else LeftOutChunks++;
        }
        catch (QuotaReachedException)
        {
            LeftOutChunks++;
        }
    }

    /// <summary>Keeps what was measured for later estimates.</summary>
    public void NoteSpeed() => _shelf.NoteSpeed(ComputedTokens, _time);

    private bool TryConvert(KvShelf other, string kvName, Action<long> makeRoom)
    {
        try
        {
            if (!File.Exists(other.PathOf(kvName))) return false;
            _quota.Keep(other.PathOf(kvName));
            _model.Convert(other.PathOf(kvName), _shelf.PathOf(kvName), makeRoom);
            return true;
        }
        catch (InvalidDataException)
        {
            other.SetAside(kvName);
            return false;
        }
    }

    private void Compute(StoredChunk chunk, Action<long> makeRoom, CancellationToken cancellation)
    {
        int[] ids = _model.EncodeChunk(chunk.Text);
        long start = Stopwatch.GetTimestamp();
        using KvCache cache = _chunks.Compute(ids, cancellation);
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        _model.Save(cache, _shelf.PathOf(chunk.KvName), ids, _chunks.FirstToken, makeRoom);
        _time += time;
        ComputedChunks++;
        ComputedTokens += ids.Length;
    }
}
