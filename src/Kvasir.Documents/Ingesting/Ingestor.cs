using System.Diagnostics;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Reading;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Ingesting;

/// <summary>
/// Brings files into a store: chunks, embeddings, KV, and last of all the record that makes them part of it. Whatever of this is there
/// already, from a finished or an interrupted run, is not done again.
/// </summary>
internal sealed class Ingestor
{
    private readonly StoreWriter _writer;
    private readonly int _chunkTokens;
    private readonly FilePreparation _preparation;
    private readonly ITextEncoder _encoder;
    private readonly KvBuilder _kv;
    private readonly IProgress<IngestProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly List<SkippedFile> _skipped = [];
    private int _documents, _chunks, _changed, _filesDone, _files;
    private long _tokens, _bytesDone, _bytes;

    public Ingestor(StoreWriter writer, IAnswerModel model, ITextEncoder encoder, KvBuilder kv, int chunkTokens, IProgress<IngestProgress>? progress, CancellationToken cancellation)
    {
        _writer = writer;
        _chunkTokens = chunkTokens;
        _preparation = new FilePreparation(model, chunkTokens);
        _encoder = encoder;
        _kv = kv;
        _progress = progress;
        _cancellation = cancellation;
    }

    public IngestReport Run(FoundFiles found)
    {
        var clock = Stopwatch.StartNew();
        _skipped.AddRange(found.Skipped);
        List<SourceFile> files = [.. found.Files.Select(file => Source(file.Path, file.Named))];
        _files = files.Count;
        _bytes = files.Sum(file => file.BytesToDo);
        foreach (PreparedFile file in _preparation.Run(files, _cancellation))
        {
            Ingest(file);
        }

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
        };
    }

    private void Ingest(PreparedFile file)
    {
        SourceFile source = file.Source;
        if (file.Unreadable is { } reason)
        {
            _skipped.Add(source.Named ? throw new InvalidInputException($"{source.Path}: {reason}") : new SkippedFile(source.Path, source.HasOlder ? reason + "; the version read before stays in the store" : reason));
        }
        else if (file.Documents is null)
        {
            Complete(source, [.. _writer.Catalog.DocumentsOf(source.Known!)], unchanged: true);
            if (!source.IsUnchanged)
            {
                _writer.Catalog.Commit(source.Known! with { Length = source.Length, ChangedTicks = source.ChangedTicks });
            }
        }
        else
        {
            Store(source, file.Hash!, file.Documents);
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
            stored.Add(document.NewTexts is null ? document.Document : _writer.Catalog.Add(document.Document, document.NewTexts));
        }

        Complete(source, stored, unchanged: false);
        _writer.Commit(new StoredFile
        {
            Path = source.Path,
            Length = source.Length,
            ChangedTicks = source.ChangedTicks,
            Hash = hash,
            Documents = [.. stored.Select(document => document.Number)],
        });
        _changed++;
    }

    /// <summary>Embeddings by this encoder and KV by this model, where they are missing.</summary>
    private void Complete(SourceFile source, List<StoredDocument> documents, bool unchanged)
    {
        double bytesOfChunk = (double)source.BytesToDo / Math.Max(1, documents.Sum(document => document.Chunks.Length));
        int done = 0;
        foreach (StoredDocument document in documents)
        {
            _cancellation.ThrowIfCancellationRequested();
            Embed(document);

            foreach (StoredChunk chunk in document.Chunks)
            {
                _cancellation.ThrowIfCancellationRequested();
                if (!_kv.Has(chunk))
                {
                    _kv.Build(chunk, _writer.Catalog.Text(chunk), unchanged, _cancellation);
                }

                _chunks++;
                _tokens += chunk.Tokens;
                Report(source.Path, (long)(++done * bytesOfChunk));
            }

            _documents++;
        }
    }

    private void Embed(StoredDocument document)
    {
        Embed(document, _encoder.Identity, text => _encoder.Embed(Retriever.IndexedText(document.Title, text)));
        if (_encoder.LeastRelevant > 0)
        {
            Embed(document, PieceVectors.Encoder(_encoder), text => PieceVectors.Of(text, _encoder));
        }
    }

    /// <summary>A row for each chunk, under an encoder's name, where they are missing.</summary>
    private void Embed(StoredDocument document, string encoder, Func<string, float[]> embed)
    {
        if (_writer.Catalog.Vectors(encoder, document) is not null)
        {
            return;
        }

        var values = new List<float>();
        int width = 1;
        foreach (StoredChunk chunk in document.Chunks)
        {
            _cancellation.ThrowIfCancellationRequested();
            float[] vector = embed(_writer.Catalog.Text(chunk).Trim());
            width = vector.Length;
            values.AddRange(vector);
        }

        _writer.Catalog.Add(new StoredVectors(encoder, document.Number, width, [.. values]));
    }

    /// <summary>Files of the store under the named folders that are no longer on disk.</summary>
    private int RemoveVanished(FoundFiles found)
    {
        var folders = new PathScope(found.Folders);
        List<StoredFile> gone = [.. _writer.Catalog.Files.Where(file => folders.Contains(file.Path) && !File.Exists(file.Path))];
        gone.ForEach(_writer.Remove);
        return gone.Count;
    }

    /// <summary>A file that is stored with all its embeddings and KV counts for nothing in what is to do; it would make the time left look shorter.</summary>
    private SourceFile Source(string path, bool named)
    {
        SourceFile source = SourceFile.Of(path, named, _writer.Catalog, _chunkTokens);
        return source.IsUnchanged && _writer.Catalog.DocumentsOf(source.Known!).All(IsComplete) ? source with { BytesToDo = 0 } : source;
    }

    private bool IsComplete(StoredDocument document) => _writer.Catalog.Vectors(_encoder.Identity, document) is not null
        && (_encoder.LeastRelevant <= 0 || _writer.Catalog.Vectors(PieceVectors.Encoder(_encoder), document) is not null) && document.Chunks.All(_kv.Has);

    private void Report(string path, long bytesOfFile) =>
        _progress?.Report(new IngestProgress(path, _filesDone, _files, _documents, _chunks, _kv.ComputedTokens) { BytesDone = _bytesDone + bytesOfFile, Bytes = _bytes });
}
