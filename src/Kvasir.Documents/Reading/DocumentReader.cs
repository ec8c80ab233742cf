using Kvasir.Documents.Reading.Docx;
using Kvasir.Documents.Reading.Pdf;

namespace Kvasir.Documents.Reading;

/// <summary>Reads a file into documents by the kind that its name tells; an unknown kind is read as plain text.</summary>
internal static class DocumentReader
{
    /// <summary>Files beyond this are refused, and so are those that unpack to more: their text, its chunks and their terms are held in memory while they are read.</summary>
    public const long LongestFile = 256L << 20;

    /// <summary>The bytes of a file.</summary>
    /// <exception cref="UnreadableDocumentException">Missing, not permitted or too large.</exception>
    public static byte[] Load(string path)
    {
        try
        {
            var info = new FileInfo(path);
            return info.Length > LongestFile
                ? throw new UnreadableDocumentException($"larger than {LongestFile >> 20} MiB; split it")
                : File.ReadAllBytes(path);
        }
        catch (UnauthorizedAccessException)
        {
            throw new UnreadableDocumentException("no permission to read it");
        }
        catch (IOException error)
        {
            throw new UnreadableDocumentException($"cannot be read ({error.Message})");
        }
    }

    /// <summary>The documents in a file's bytes, read under the limits of <see cref="ReadingGuard"/>.</summary>
    /// <exception cref="UnreadableDocumentException">Empty, binary, in an unknown encoding, malformed, or made to exhaust time or memory.</exception>
    public static IReadOnlyList<Document> Parse(string path, byte[] bytes, CancellationToken cancellation = default) =>
        bytes.Length == 0 ? throw new UnreadableDocumentException("the file is empty")
            : ReadingGuard.Read(bytes.Length, () => ParseUnguarded(path, bytes), cancellation);

    private static IReadOnlyList<Document> ParseUnguarded(string path, byte[] bytes)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        IReadOnlyList<Document> documents = DocumentKinds.Of(path) switch
        {
            DocumentKind.JsonLines => JsonLines.Parse(TextDecoder.Decode(bytes)),
            DocumentKind.Markdown => [MarkdownText.Parse(TextDecoder.Decode(bytes), name)],
            DocumentKind.Html => [HtmlText.Parse(TextDecoder.Decode(bytes), name)],
            DocumentKind.Table => [CsvText.Parse(TextDecoder.Decode(bytes), name)],
            DocumentKind.Word => [DocxText.Parse(bytes, name)],
            DocumentKind.Pdf => [PdfText.Parse(bytes, name)],
            DocumentKind.SourceCode => [new Document(null, Path.GetFileName(path), TextDecoder.Decode(bytes).TrimEnd())],
            _ => [new Document(null, name, TextDecoder.Decode(bytes).TrimEnd())],
        };
        return documents.All(document => string.IsNullOrWhiteSpace(document.Text))
            ? throw new UnreadableDocumentException("it has no text")
            : documents;
    }
}
