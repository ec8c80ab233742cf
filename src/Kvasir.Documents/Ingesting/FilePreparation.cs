using System.Security.Cryptography;
using Kvasir.Documents.Answering;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Chunking;
using Kvasir.Documents.Reading;
using Kvasir.Vision.Pictures;

namespace Kvasir.Documents.Ingesting;

/// <summary>
/// All of an ingest that needs neither the store nor a forward pass: files are read, parsed and cut into chunks, some of them ahead of the
/// one at work.
/// </summary>
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
        var ahead = new LookAhead<SourceFile, PreparedFile>((file, stop) =>
            Prepare(reader, file, stop), Weight, BytesAhead, 2 * Environment.ProcessorCount);
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
            IReadOnlyList<Document> documents = DocumentKinds.Of(file.Path) == DocumentKind.Picture
                ? [Picture(file.Path, bytes, hash)] : reader.Read(file.Path, bytes, comments, cancellation);
            return new PreparedFile(file)
            {
                Hash = hash,
                Notes = [.. documents.SelectMany(document => document.Notes)],
                Documents = [.. documents.Where(document => !string.IsNullOrWhiteSpace(document.Text))
                    .Select(document => Prepare(file, document, cancellation))],
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
        return stored is not null ? new PreparedDocument(stored, null) : new PreparedDocument(null, Cut(document, hash, cancellation));
    }

    /// <summary>A picture as a document of one chunk: its mark, and what is said of it.</summary>
    private Document Picture(string path, byte[] bytes, byte[] hash)
    {
        if (!model.ReadsPictures)
            throw new UnreadableDocumentException("a picture, and the model has no image encoder");
        string name = Path.GetFileName(path);
        try
        {
            Picture picture = PictureReader.Read(bytes, name);
            model.KnowPicture(hash, path);
            return new Document(null, name,
                new PictureMark(hash, picture.Width, picture.Height, PictureCaption.Of(path)).ToString());
        }
        catch (InvalidInputException error)
        {
            throw new UnreadableDocumentException(error.Message[$"{name}: ".Length..]);
        }
    }

    private DocumentContent Cut(Document document, byte[] hash, CancellationToken cancellation)
    {
        if (PictureMark.Find(document.Text) is not null)
            return new DocumentContent(document.Id, document.Title, hash, chunkTokens,
                [new ChunkContent(0, document.Text.Length, model.EncodeChunk(document.Text).Length, document.Text)]);
        List<Chunk> chunks = new Chunker(chunkTokens, Count).Split(document.Text);
        return new DocumentContent(document.Id, document.Title, hash, chunkTokens,
            [.. chunks.Select(chunk =>
                new ChunkContent(chunk.Start, chunk.Length, chunk.Tokens, document.Text.Substring(chunk.Start, chunk.Length)))]);

        int Count(string text)
        {
            cancellation.ThrowIfCancellationRequested();
            return model.Encode(text, parseSpecial: false).Length;
        }
    }
}
