using System.Xml;
using System.Xml.Linq;
using DocumentFormat.OpenXml.Packaging;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>
/// A Word document (Office Open XML) as text: headings, paragraphs, lists with their numbers, tables, foot- and endnotes, headers first and
/// footers last. Parts are read as streams, so memory is bounded by the text and nesting costs no stack.
/// </summary>
internal static class DocxText
{
    /// <exception cref="UnreadableDocumentException">Broken, password-protected, or made to exhaust memory.</exception>
    public static Document Parse(byte[] bytes, string name, bool comments)
    {
        if (bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xD0, 0xCF, 0x11, 0xE0]))
            throw new UnreadableDocumentException("an old or password-protected Word file; save it as .docx without a password");

        try
        {
            using var package = WordprocessingDocument.Open(new MemoryStream(bytes, writable: false), isEditable: false);
            return Read(package, name, comments);
        }
        catch (Exception error) when (error is not (UnreadableDocumentException or OutOfMemoryException))
        {
            // What the package reader throws at broken files is no closed set.
            throw new UnreadableDocumentException("not a readable Word document (.docx); it is damaged or of another kind");
        }
    }

    private static Document Read(WordprocessingDocument package, string name, bool comments)
    {
        MainDocumentPart main = package.MainDocumentPart ?? throw new UnreadableDocumentException("a Word file without a document in it");
        var styles = new DocxStyles(Use(main.StyleDefinitionsPart, XElement.Load));
        var numbering = new DocxNumbering(Use(main.NumberingDefinitionsPart, XElement.Load), styles);
        var body = new DocxBody(styles, numbering);
        string? text = Use(main, body.Read);
        bool hasEvenPages =
            Use(main.DocumentSettingsPart, XElement.Load).First("evenAndOddHeaders") is { } even && DocxBody.IsOn(even.Value());
        string?[] headers = Margins(isHeader: true), footers = Margins(isHeader: false);
        string?[] parts = [.. headers, text, Use(main.FootnotesPart, body.Read), Use(main.EndnotesPart, body.Read), .. footers, comments
            ? Use(main.WordprocessingCommentsPart, body.Read) : null];
        string title = package.PackageProperties.Title?.Trim() is { Length: > 0 } given ? given : body.Heading ?? name;
        return new Document(null, title, string.Join("\n\n", parts.Where(part => !string.IsNullOrEmpty(part))));

        // Each text once: first, even and other pages often have the same.
        string?[] Margins(bool isHeader) =>
            [.. body.Margins.Where(margin => margin.IsHeader == isHeader && main.TryGetPartById(margin.Id, out _)
                && margin.Pages switch { "first" => body.HasFirstPages, "even" => hasEvenPages, _ => true })
                .Select(margin => Use(main.GetPartById(margin.Id), body.Read)).Distinct(StringComparer.Ordinal)];
    }

    private static T? Use<T>(OpenXmlPart? part, Func<XmlReader, T> read)
    {
        if (part is null) return default;
        using Stream stream = part.GetStream(FileMode.Open, FileAccess.Read);
        using var xml = XmlReader.Create(stream, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
        return read(xml);
    }
}
