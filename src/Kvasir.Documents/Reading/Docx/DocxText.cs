using System.IO.Compression;
using System.Xml;
using DocumentFormat.OpenXml.Packaging;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>
/// A Word document (Office Open XML) as text: headings, paragraphs, lists with their numbers, tables, foot- and endnotes, headers first and footers last. Parts are read as
/// streams, so memory is bounded by the text and nesting costs no stack.
/// </summary>
internal static class DocxText
{
    /// <summary>Relationship files in a package, at most: the package is loaded by following them from part to part, each step a call deeper.</summary>
    private const int MostRelationshipFiles = 500;

    private const int DeepestElement = 200_000;

    /// <exception cref="UnreadableDocumentException">Broken, password-protected, or made to exhaust memory.</exception>
    public static Document Parse(byte[] bytes, string name, bool comments)
    {
        if (bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xD0, 0xCF, 0x11, 0xE0]))
            throw new UnreadableDocumentException("an old or password-protected Word file; save it as .docx without a password");

        try
        {
            CheckPackage(bytes);
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
        var styles = new DocxStyles();
        Use(main.StyleDefinitionsPart, Nothing(styles.Read));
        var numbering = new DocxNumbering();
        Use(main.NumberingDefinitionsPart, Nothing(numbering.Read));
        var body = new DocxBody(styles, numbering);
        string text = Use(main, body.Read);
        string[] headers = Margins(isHeader: true), footers = Margins(isHeader: false);
        string[] parts = [.. headers, text, Use(main.FootnotesPart, body.Read), Use(main.EndnotesPart, body.Read), .. footers, comments ? Use(main.WordprocessingCommentsPart, body.Read) : ""];
        string title = package.PackageProperties.Title?.Trim() is { Length: > 0 } given ? given : body.Heading ?? name;
        return new Document(null, title, string.Join("\n\n", parts.Where(part => part.Length > 0)));

        // Each text once: first, even and other pages often have the same.
        string[] Margins(bool isHeader) =>
            [.. body.Margins.Where(margin => margin.IsHeader == isHeader && main.TryGetPartById(margin.Id, out _)).Select(margin => Use(main.GetPartById(margin.Id), body.Read)).Distinct(StringComparer.Ordinal)];
    }

    private static Func<XmlReader, string> Nothing(Action<XmlReader> read) => xml =>
    {
        read(xml);
        return "";
    };

    private static string Use(OpenXmlPart? part, Func<XmlReader, string> read)
    {
        if (part is null) return "";

        using Stream stream = part.GetStream(FileMode.Open, FileAccess.Read);
        using var xml = XmlReader.Create(stream, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = DocumentReader.LongestFile });
        return read(xml);
    }

    /// <summary>Unpacks all XML once, into nothing: what a package claims about its sizes is not to be trusted, and a reader of XML holds all elements that are open.</summary>
    private static void CheckPackage(byte[] bytes)
    {
        using var zip = new ZipArchive(new MemoryStream(bytes, writable: false));
        if (zip.Entries.Count(entry => entry.FullName.EndsWith(".rels", StringComparison.OrdinalIgnoreCase)) > MostRelationshipFiles)
            throw new UnreadableDocumentException("a Word file of unreasonably many parts");

        byte[] buffer = new byte[1 << 16];
        long left = DocumentReader.LongestFile;
        foreach (ZipArchiveEntry entry in zip.Entries.Where(entry => Path.GetExtension(entry.FullName).ToUpperInvariant() is ".XML" or ".RELS"))
        {
            using Stream stream = entry.Open();
            int depth = 0;
            byte last = 0;
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                left -= read;
                if (left < 0) throw new UnreadableDocumentException($"it unpacks to more than {DocumentReader.LongestFile >> 20} MiB");

                foreach (byte b in buffer.AsSpan(0, read))
                {
                    depth += (last, b) switch
                    {
                        ((byte)'<', (byte)'/') or ((byte)'/', (byte)'>') => -1,
                        ((byte)'<', not ((byte)'!' or (byte)'?')) => 1,
                        _ => 0,
                    };
                    last = b;
                    if (depth > DeepestElement) throw new UnreadableDocumentException("a Word file nested too deeply");
                }
            }
        }
    }
}
