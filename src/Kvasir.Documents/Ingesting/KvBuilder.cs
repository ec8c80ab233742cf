using System.Diagnostics;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Chunking;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Ingesting;

/// <summary>
/// Computes the KV of chunks behind the shared prefix, or alone where that is wanted, and stores it without the prefix's rows (MatKV); where a shelf of another
/// policy has it and keeps more, that is converted instead.
/// </summary>
internal sealed class KvBuilder
{
    private readonly IAnswerModel _model;
    private readonly KvShelf _shelf;
    private readonly IReadOnlyList<KvShelf> _richer;
    private readonly SharedPrefix _prefix;
    private readonly ChunkPlacement _placement;
    private readonly HashSet<string> _stored;
    private TimeSpan _time;

    public KvBuilder(IAnswerModel model, KvShelf shelf, IEnumerable<KvShelf> richer, SharedPrefix prefix, ChunkPlacement placement)
    {
        _model = model;
        _shelf = shelf;
        _richer = [.. richer];
        _prefix = prefix;
        _placement = placement;
        shelf.Prepare();
        prefix.Store(shelf);
        _stored = shelf.Names();
    }

    public int ComputedChunks { get; private set; }

    public long ComputedTokens { get; private set; }

    public int ConvertedChunks { get; private set; }

    public bool Has(StoredChunk chunk) => _stored.Contains(chunk.KvName);

    public void Build(StoredChunk chunk, string text, CancellationToken cancellation)
    {
        if (_richer.Any(other => TryConvert(other, chunk.KvName)))
        {
            ConvertedChunks++;
        }
        else
        {
            Compute(chunk, text, cancellation);
        }

        _stored.Add(chunk.KvName);
    }

    /// <summary>Keeps what was measured for later estimates.</summary>
    public void NoteSpeed() => _shelf.NoteSpeed(ComputedTokens, _time);

    private bool TryConvert(KvShelf other, string kvName)
    {
        try
        {
            if (!File.Exists(other.PathOf(kvName)))
            {
                return false;
            }

            _model.Convert(other.PathOf(kvName), _shelf.PathOf(kvName));
            return true;
        }
        catch (InvalidDataException)
        {
            other.SetAside(kvName);
            return false;
        }
    }

    private void Compute(StoredChunk chunk, string text, CancellationToken cancellation)
    {
        int[] ids = _model.Encode(Chunker.PromptText(text), parseSpecial: false);
        using IAnswerCache cache = _placement == ChunkPlacement.BehindPrefix ? _prefix.Fork() : _model.NewCache();
        int first = cache.Length;
        long start = Stopwatch.GetTimestamp();
        cache.Prefill(ids, cancellation);
        _time += Stopwatch.GetElapsedTime(start);
        cache.Save(_shelf.PathOf(chunk.KvName), ids, first);
        ComputedChunks++;
        ComputedTokens += ids.Length;
    }
}
