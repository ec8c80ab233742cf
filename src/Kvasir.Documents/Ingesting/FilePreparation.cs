using System.Security.Cryptography;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Chunking;
using Kvasir.Documents.Reading;
using Kvasir.Documents.Retrieval;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Ingesting;

/// <summary>All of an ingest that needs neither the store nor a forward pass: files are read, parsed and cut into chunks, some of them ahead of the one at work.</summary>
internal sealed class FilePreparation(IAnswerModel model, int chunkTokens, bool comments)
{
    /// <summary>Bytes of files ahead. Their texts, chunks and terms take about six times as much memory.</summary>
    private const long BytesAhead = 16L << 20;

    /// <summary>What a packed document's length is multiplied by to stand for its text's.</summary>
    private const int Unpacking = 8;

    /// <summary>The files, prepared, in their order.</summary>
    public IEnumerable<PreparedFile> Run(IEnumerable<SourceFile> files, CancellationToken cancellation)
    {
        using var reader = new DocumentReader();
        var ahead = new LookAhead<SourceFile, PreparedFile>((file, stop) => Prepare(reader, file, stop), Weight, BytesAhead, 2 * Environment.ProcessorCount);
        foreach (PreparedFile file in ahead.Run(files, cancellation)) yield return file;
    }

    private static long Weight(SourceFile file) =>
        file.IsUnchanged ? 0 : DocumentKinds.IsPacked(DocumentKinds.Of(file.Path)) ? file.Length * Unpacking : file.Length;

    /// <summary>Safe on any thread: tokenizers are, and nothing else is shared.</summary>
    private PreparedFile Prepare(DocumentReader reader, SourceFile file, CancellationToken cancellation)
    {
        if (file.IsUnchanged) return new PreparedFile(file);

        try
        {
            byte[] bytes = DocumentReader.Load(file.Path);
            byte[] hash = SHA256.HashData(bytes);
            if (file.Known is not null && hash.AsSpan().SequenceEqual(file.Known.Hash)) return new PreparedFile(file) { Hash = hash };

            IReadOnlyList<Document> documents = reader.Read(file.Path, bytes, comments, cancellation);
            return new PreparedFile(file)
            {
                Hash = hash,
                Notes = [.. documents.SelectMany(document => document.Notes)],
                Documents = [.. documents.Where(document => !string.IsNullOrWhiteSpace(document.Text)).Select(document => Prepare(file, document, cancellation))],
            };
        }
        catch (UnreadableDocumentException error)
        {
            return new PreparedFile(file) { Unreadable = error.Message };
        }
    }

    private PreparedDocument Prepare(SourceFile file, Document document, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        byte[] hash = document.ContentHash();
        StoredDocument? stored = file.Stored[document.Id].LastOrDefault(stored => stored.Is(document.Id, hash, chunkTokens));
        return stored is not null ? new PreparedDocument(stored, null) : Cut(file, document, hash, cancellation);
    }

    private PreparedDocument Cut(SourceFile file, Document document, byte[] hash, CancellationToken cancellation)
    {
        List<Chunk> chunks = new Chunker(chunkTokens, Count).Split(document.Text);
        List<string> texts = [.. chunks.Select(chunk => document.Text.Substring(chunk.Start, chunk.Length))];
        var stored = new StoredDocument
        {
            Number = 0,
            File = file.Path,
            Id = document.Id,
            Title = document.Title,
            ContentHash = hash,
            ChunkTokens = chunkTokens,
            Chunks = [.. chunks.Zip(texts, (chunk, text) => NewChunk(chunk, text, document.Title))],
        };
        return new PreparedDocument(stored, texts);

        int Count(string text)
        {
            cancellation.ThrowIfCancellationRequested();
            return model.Encode(text, parseSpecial: false).Length;
        }
    }

    private static StoredChunk NewChunk(Chunk chunk, string text, string title) => new()
    {
        Start = chunk.Start,
        Length = chunk.Length,
        Tokens = chunk.Tokens,
        KvName = KvShelf.NameOf(Chunker.PromptText(text)),
        Terms = TermCounts.Of(Retriever.IndexedText(title, text)),
    };
}
