using Kvasir.Documents.Answering;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Reading;
using Kvasir.Documents.Retrieval;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Ingesting;

/// <summary>
/// Brings files into a store: chunks, embeddings, KV, and last of all the record that makes them part of it. Whatever of this is there
/// already, from a finished or an interrupted run, is not done again.
/// </summary>
internal sealed class Ingestor
{
    private const int ChunksAtOnce = 16;

    private readonly StoreWriter _writer;
    private readonly int _chunkTokens;
    private readonly FilePreparation _preparation;
    private readonly ITextEncoder _encoder;
    private readonly KvBuilder _kv;
    private readonly IProgress<IngestProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly List<SkippedFile> _skipped = [];
    private readonly List<SkippedFile> _incomplete = [];
    private int _documents, _chunks, _changed, _filesDone, _files;
    private long _tokens, _bytesDone, _bytes;

    public Ingestor(StoreWriter writer, FilePreparation preparation, ITextEncoder encoder, KvBuilder kv, int chunkTokens,
        IProgress<IngestProgress>? progress, CancellationToken cancellation)
    {
        _writer = writer;
        _chunkTokens = chunkTokens;
        _preparation = preparation;
        _encoder = encoder;
        _kv = kv;
        _progress = progress;
        _cancellation = cancellation;
    }

    public IngestReport Run(FoundFiles found, bool force = false)
    {
        var clock = Stopwatch.StartNew();
        _skipped.AddRange(found.Skipped);
        List<SourceFile> files = [.. found.Files.Select(file => Source(file.Path, file.Named, force))];
        _files = files.Count;
        _bytes = files.Sum(file => file.BytesToDo);
        foreach (PreparedFile file in _preparation.Run(files, _cancellation)) Ingest(file);
        int removed = RemoveVanished(found);
        _writer.Finish();
        return new IngestReport
        {
            Documents = _documents,
            Chunks = _chunks,
            Tokens = _tokens,
            ChangedFiles = _changed,
            RemovedFiles = removed,
            ComputedChunks = _kv.ComputedChunks,
            ConvertedChunks = _kv.ConvertedChunks,
            ComputedTokens = _kv.ComputedTokens,
            ChunksWithoutKv = _kv.LeftOutChunks,
            Elapsed = clock.Elapsed,
            Skipped = _skipped,
            Incomplete = _incomplete,
        };
    }

    private void Ingest(PreparedFile file)
    {
        SourceFile source = file.Source;
        if (file.Unreadable is { } reason)
            _skipped.Add(source.Named ? throw new InvalidInputException($"{source.Path}: {reason}")
                : new SkippedFile(source.Path, source.HasOlder ? reason + "; the version read before stays in the store" : reason));
        else if (file.Documents is null)
        {
            IReadOnlyList<StoredDocument> documents = _writer.Catalog.Documents(source.Path);
            Complete(source, documents, unchanged: true);
            if (!source.IsUnchanged)
                _writer.Catalog.Commit(source.Known! with { Length = source.Length, ChangedTicks = source.ChangedTicks }, documents);
        }
        else
        {
            Store(source, file.Hash!, file.Documents);
            _incomplete.AddRange(file.Notes.Select(note => new SkippedFile(source.Path, note)));
        }

        _filesDone++;
        _bytesDone += source.BytesToDo;
        Report(source.Path, 0);
    }

    private void Store(SourceFile source, byte[] hash, IReadOnlyList<PreparedDocument> documents)
    {
        var stored = new List<StoredDocument>();
        foreach (PreparedDocument document in documents)
        {
            _cancellation.ThrowIfCancellationRequested();
            stored.Add(document.Stored ?? _writer.Catalog.Add(source.Path, document.Content!));
        }

        Complete(source, stored, unchanged: false);
        _writer.Commit(new StoredFile { Path = source.Path, Length = source.Length, ChangedTicks = source.ChangedTicks, Hash = hash },
            stored);
        _changed++;
    }

    /// <summary>Embeddings by this encoder and KV by this model, where they are missing.</summary>
    private void Complete(SourceFile source, IReadOnlyList<StoredDocument> documents, bool unchanged)
    {
        double bytesOfChunk = (double)source.BytesToDo / Math.Max(1, documents.Sum(document => document.Parts));
        int done = 0;
        foreach (StoredDocument document in documents)
        {
            _cancellation.ThrowIfCancellationRequested();
            IReadOnlyList<StoredChunk> chunks = _writer.Catalog.Chunks(document);
            Embed(chunks, _encoder.Identity, texts => _encoder.Embed([.. texts.Select(text => Words.IndexedText(document.Title, text))]));
            if (_encoder.LeastRelevant > 0)
                Embed(chunks, PieceVectors.Encoder(_encoder), texts =>
                    [.. texts.Select(text => PieceVectors.Of(text.Length > 0 ? text : document.Title, _encoder))]);
            foreach (StoredChunk chunk in chunks)
            {
                _cancellation.ThrowIfCancellationRequested();
                if (!_kv.Has(chunk)) _kv.Build(chunk, unchanged, _cancellation);
                _chunks++;
                _tokens += chunk.Tokens;
                Report(source.Path, (long)(++done * bytesOfChunk));
            }

            _documents++;
        }
    }

    /// <summary>A row for each chunk, under an encoder's name, where there is none that is sound.</summary>
    private void Embed(IEnumerable<StoredChunk> chunks, string encoder, Func<IReadOnlyList<string>, float[][]> embed)
    {
        foreach (StoredChunk[] some in chunks.Where(chunk => _writer.Catalog.Embedding(encoder, chunk.TextId) is null).Chunk(ChunksAtOnce))
        {
            _cancellation.ThrowIfCancellationRequested();
            float[][] rows = embed([.. some.Select(chunk => PictureMark.Shown(chunk.Text).Trim())]);
            _writer.Catalog.Embed(encoder, [.. some.Zip(rows, (chunk, row) => (chunk.TextId, row))]);
        }
    }

    /// <summary>Files of the store under the named folders that are no longer on disk.</summary>
    private int RemoveVanished(FoundFiles found)
    {
        var folders = new PathScope(found.Folders);
        List<StoredFile> gone = [.. _writer.Catalog.Files().Where(file => folders.Contains(file.Path) && !File.Exists(file.Path))];
        gone.ForEach(_writer.Remove);
        return gone.Count;
    }

    /// <summary>
    /// A file that is stored with all its embeddings and KV counts for nothing in what is to do; it would make the time left look shorter.
    /// </summary>
    private SourceFile Source(string path, bool named, bool force)
    {
        SourceFile source = SourceFile.Of(path, named, _writer.Catalog, _chunkTokens, force);
        return source.IsUnchanged && IsComplete(path) ? source with { BytesToDo = 0 } : source;
    }

    private bool IsComplete(string path) => _writer.Catalog.IsEmbedded(path, _encoder.Identity)
        && (_encoder.LeastRelevant <= 0 || _writer.Catalog.IsEmbedded(path, PieceVectors.Encoder(_encoder)))
            && _writer.Catalog.Documents(path).SelectMany(_writer.Catalog.Chunks).All(_kv.Has);

    private void Report(string path, long bytesOfFile) =>
        _progress?.Report(
            new IngestProgress(path, _filesDone, _files, _documents, _chunks, _kv.ComputedTokens)
            {
                BytesDone = _bytesDone + bytesOfFile,
                Bytes = _bytes
            });
}
