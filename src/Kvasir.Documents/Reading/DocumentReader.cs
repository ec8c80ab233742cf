using Kvasir.Documents.Reading.Docx;
using Kvasir.Documents.Reading.Html;
using Kvasir.Documents.Reading.Pdf;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Reading;

/// <summary>Reads a file into documents by the kind that its name tells; an unknown kind is read as plain text.</summary>
internal static class DocumentReader
{
    /// <summary>Files beyond this are refused, and so are those that unpack to more: their text, its chunks and their terms are held in memory while they are read.</summary>
    public const long LongestFile = 256L << 20;

    /// <summary>The bytes of a file, or its first ones.</summary>
    /// <exception cref="UnreadableDocumentException">Missing, not permitted, too large, or not a regular file.</exception>
    public static byte[] Load(string path, int? first = null)
    {
        try
        {
            // Pipes, sockets and devices have no length, and opening one may wait for ever.
            long length = ((FileInfo?)File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)).Length;
            if (length == 0) throw new UnreadableDocumentException("the file is empty, or no regular file (a pipe, socket or device)");

            if (first is not { } count)
                return length > LongestFile ? throw new UnreadableDocumentException($"larger than {LongestFile >> 20} MiB; split it") : File.ReadAllBytes(path);

            using SafeFileHandle file = File.OpenHandle(path);
            byte[] bytes = new byte[Math.Min(count, length)];
            return bytes[..RandomAccess.Read(file, bytes, 0)];
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
    public static IReadOnlyList<Document> Parse(string path, byte[] bytes, bool comments = false, CancellationToken cancellation = default) =>
        bytes.Length == 0 ? throw new UnreadableDocumentException("the file is empty")
            : ReadingGuard.Read(bytes.Length, () => ParseUnguarded(path, bytes, comments), cancellation);

    private static IReadOnlyList<Document> ParseUnguarded(string path, byte[] bytes, bool comments)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        var notes = new List<string>();
        DocumentKind kind = DocumentKinds.Of(path) ?? DocumentKind.Text;
        string text = DocumentKinds.IsPacked(kind) ? "" : TextDecoder.Decode(bytes, notes, isMarkup: kind is DocumentKind.Html || bytes.AsSpan().StartsWith("<?xml"u8));
        IReadOnlyList<Document> documents = kind switch
        {
            DocumentKind.JsonLines => JsonLines.Parse(text, notes),
            DocumentKind.Markdown => [MarkdownText.Parse(text, name)],
            DocumentKind.Html => [HtmlText.Parse(text, name)],
            DocumentKind.Table => [CsvText.Parse(text, name, isTabbed: !path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase))],
            DocumentKind.Word => [DocxText.Parse(bytes, name, comments)],
            DocumentKind.Pdf => [PdfText.Parse(bytes, name)],
            DocumentKind.SourceCode => [new Document(null, Path.GetFileName(path), text.TrimEnd())],
            _ => [new Document(null, name, text.TrimEnd())],
        };
        return documents.All(document => string.IsNullOrWhiteSpace(document.Text))
            ? throw new UnreadableDocumentException("it has no text")
            : [.. documents.Select((document, i) => document with
            {
                Title = TextDecoder.WithoutControls(document.Title),
                Text = TextDecoder.WithoutControls(document.Text),
                Notes = i == 0 && notes.Count > 0 ? [.. notes, .. document.Notes] : document.Notes,
            })];
    }
}
