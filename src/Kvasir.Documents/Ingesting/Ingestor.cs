using System.Diagnostics;
using System.Security.Cryptography;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Chunking;
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
    private readonly StoreWriter _writer;
    private readonly Chunker _chunker;
    private readonly int _chunkTokens;
    private readonly ITextEncoder _encoder;
    private readonly KvBuilder _kv;
    private readonly IProgress<IngestProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly List<SkippedFile> _skipped = [];
    private int _documents, _chunks, _changed, _filesDone, _files;
    private long _tokens;

    public Ingestor(StoreWriter writer, IAnswerModel model, ITextEncoder encoder, KvBuilder kv, int chunkTokens, IProgress<IngestProgress>? progress, CancellationToken cancellation)
    {
        _writer = writer;
        _chunkTokens = chunkTokens;
        _chunker = new Chunker(chunkTokens, text => model.Encode(text, parseSpecial: false).Length);
        _encoder = encoder;
        _kv = kv;
        _progress = progress;
        _cancellation = cancellation;
    }

    public IngestReport Run(FoundFiles found)
    {
        var clock = Stopwatch.StartNew();
        _skipped.AddRange(found.Skipped);
        _files = found.Files.Count;
        foreach ((string path, bool named) in found.Files)
        {
            Ingest(path, named);
            _filesDone++;
            Report(path);
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

    private void Ingest(string path, bool named)
    {
        var info = new FileInfo(path);
        StoredFile? known = _writer.Catalog.File(path);
        bool sameChunks = known is not null && _writer.Catalog.DocumentsOf(known).All(document => document.ChunkTokens == _chunkTokens);
        if (sameChunks && info.Exists && known!.Length == info.Length && known.ChangedTicks == info.LastWriteTimeUtc.Ticks)
        {
            Complete(path, [.. _writer.Catalog.DocumentsOf(known)], unchanged: true);
            return;
        }

        try
        {
            byte[] bytes = DocumentReader.Load(path);
            if (sameChunks && SHA256.HashData(bytes).AsSpan().SequenceEqual(known!.Hash))
            {
                Complete(path, [.. _writer.Catalog.DocumentsOf(known)], unchanged: true);
                _writer.Catalog.Commit(known with { Length = info.Length, ChangedTicks = info.LastWriteTimeUtc.Ticks });
                return;
            }

            Store(path, info, DocumentReader.Parse(path, bytes));
        }
        catch (UnreadableDocumentException error)
        {
            _skipped.Add(named ? throw new InvalidInputException($"{path}: {error.Message}", error) : new SkippedFile(path, known is null ? error.Message : error.Message + "; the version read before stays in the store"));
        }
    }

    private void Store(string path, FileInfo info, DocumentFile content)
    {
        var stored = new List<StoredDocument>();
        foreach (Document document in content.Documents.Where(document => !string.IsNullOrWhiteSpace(document.Text)))
        {
            _cancellation.ThrowIfCancellationRequested();
            byte[] hash = document.ContentHash();
            stored.Add(_writer.Catalog.Find(path, document.Id, hash, _chunkTokens) ?? Add(path, document, hash));
        }

        Complete(path, stored, unchanged: false);
        _writer.Commit(new StoredFile
        {
            Path = path,
            Length = info.Length,
            ChangedTicks = info.LastWriteTimeUtc.Ticks,
            Hash = content.Hash,
            Documents = [.. stored.Select(document => document.Number)],
        });
        _changed++;
    }

    private StoredDocument Add(string path, Document document, byte[] hash)
    {
        List<Chunk> chunks = _chunker.Split(document.Text);
        List<string> texts = [.. chunks.Select(chunk => document.Text.Substring(chunk.Start, chunk.Length))];
        return _writer.Catalog.Add(
            new StoredDocument
            {
                Number = 0,
                File = path,
                Id = document.Id,
                Title = document.Title,
                ContentHash = hash,
                ChunkTokens = _chunkTokens,
                Chunks = [.. chunks.Zip(texts, (chunk, text) => NewChunk(chunk, text, document.Title))],
            },
            texts);
    }

    private static StoredChunk NewChunk(Chunk chunk, string text, string title) => new()
    {
        Start = chunk.Start,
        Length = chunk.Length,
        Tokens = chunk.Tokens,
        KvName = KvShelf.NameOf(Chunker.PromptText(text)),
        Terms = TermCounts.Of(Retriever.IndexedText(title, text)),
    };

    /// <summary>Embeddings by this encoder and KV by this model, where they are missing.</summary>
    private void Complete(string path, List<StoredDocument> documents, bool unchanged)
    {
        foreach (StoredDocument document in documents)
        {
            _cancellation.ThrowIfCancellationRequested();
            if (_writer.Catalog.Vectors(_encoder.Identity, document) is null)
            {
                Embed(document);
            }

            foreach (StoredChunk chunk in document.Chunks)
            {
                _cancellation.ThrowIfCancellationRequested();
                if (!_kv.Has(chunk))
                {
                    _kv.Build(chunk, _writer.Catalog.Text(chunk), unchanged, _cancellation);
                }

                _chunks++;
                _tokens += chunk.Tokens;
                Report(path);
            }

            _documents++;
        }
    }

    private void Embed(StoredDocument document)
    {
        var values = new List<float>();
        int width = 1;
        foreach (StoredChunk chunk in document.Chunks)
        {
            _cancellation.ThrowIfCancellationRequested();
            float[] vector = _encoder.Embed(Retriever.IndexedText(document.Title, _writer.Catalog.Text(chunk).Trim()));
            width = vector.Length;
            values.AddRange(vector);
        }

        _writer.Catalog.Add(new StoredVectors(_encoder.Identity, document.Number, width, [.. values]));
    }

    /// <summary>Files of the store under the named folders that are no longer on disk.</summary>
    private int RemoveVanished(FoundFiles found)
    {
        var folders = new PathScope(found.Folders);
        List<StoredFile> gone = [.. _writer.Catalog.Files.Where(file => folders.Contains(file.Path) && !File.Exists(file.Path))];
        gone.ForEach(_writer.Remove);
        return gone.Count;
    }

    private void Report(string path) => _progress?.Report(new IngestProgress(path, _filesDone, _files, _documents, _chunks, _kv.ComputedTokens));
}
