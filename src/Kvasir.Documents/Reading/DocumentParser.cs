using Kvasir.Documents.Reading.Docx;
using Kvasir.Documents.Reading.Html;
using Kvasir.Documents.Reading.Pdf;

namespace Kvasir.Documents.Reading;

/// <summary>The documents in a file's bytes by the kind that its name tells; an unknown kind is plain text.</summary>
internal static class DocumentParser
{
    private const int LongestReason = 300;

    /// <exception cref="UnreadableDocumentException">Empty, binary, in an unknown encoding or malformed, whatever the parser
    /// threw.</exception>
    public static IReadOnlyList<Document> Parse(string path, byte[] bytes, bool comments = false)
    {
        try
        {
            return ParseKind(path, bytes.Length > 0 ? bytes : throw new UnreadableDocumentException("the file is empty"), comments);
        }
        catch (UnreadableDocumentException error)
        {
            throw new UnreadableDocumentException(Reason(error));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new UnreadableDocumentException($"it is damaged ({Reason(error)})");
        }
    }

    private static IReadOnlyList<Document> ParseKind(string path, byte[] bytes, bool comments)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        var notes = new List<string>();
        DocumentKind kind = DocumentKinds.Of(path) ?? DocumentKind.Text;
        if (kind == DocumentKind.Picture)
            throw new UnreadableDocumentException("a picture has no text; it is asked about where the model has an image encoder");
        string text = DocumentKinds.IsPacked(kind) ? ""
            : TextDecoder.Decode(bytes, notes, isMarkup: kind is DocumentKind.Html || bytes.AsSpan().StartsWith("<?xml"u8),
                isRecords: kind is DocumentKind.JsonLines or DocumentKind.Table);
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

    /// <summary>An error's words on one line of bounded length: they may quote the file.</summary>
    private static string Reason(Exception error)
    {
        bool IsShown(char c) => !char.IsControl(c) && char.GetUnicodeCategory(c) is not UnicodeCategory.Format;
        string line = string.Concat(error.Message.Select(c => IsShown(c) ? c : ' ')).Trim();
        return line.Length > LongestReason ? line[..LongestReason] + "…" : line;
    }
}
