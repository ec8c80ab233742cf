using System.Diagnostics;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Chunking;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Ingesting;

/// <summary>Computes the KV of chunks behind the shared prefix and stores it without the prefix's rows (MatKV, variant M2).</summary>
internal sealed class KvBuilder
{
    private readonly IAnswerModel _model;
    private readonly KvShelf _shelf;
    private readonly SharedPrefix _prefix;
    private readonly HashSet<string> _stored;
    private TimeSpan _time;

    public KvBuilder(IAnswerModel model, KvShelf shelf, SharedPrefix prefix)
    {
        _model = model;
        _shelf = shelf;
        _prefix = prefix;
        shelf.Prepare();
        prefix.Store(shelf);
        _stored = shelf.Names();
    }

    public int ComputedChunks { get; private set; }

    public long ComputedTokens { get; private set; }

    public bool Has(StoredChunk chunk) => _stored.Contains(chunk.KvName);

    public void Build(StoredChunk chunk, string text, CancellationToken cancellation)
    {
        int[] ids = _model.Encode(Chunker.PromptText(text), parseSpecial: false);
        using IAnswerCache cache = _prefix.Fork();
        long start = Stopwatch.GetTimestamp();
        cache.Prefill(ids, cancellation);
        _time += Stopwatch.GetElapsedTime(start);
        cache.Save(_shelf.PathOf(chunk.KvName), ids, _prefix.Ids.Length);
        _stored.Add(chunk.KvName);
        ComputedChunks++;
        ComputedTokens += ids.Length;
    }

    /// <summary>Keeps what was measured for later estimates.</summary>
    public void NoteSpeed() => _shelf.NoteSpeed(ComputedTokens, _time);
}
