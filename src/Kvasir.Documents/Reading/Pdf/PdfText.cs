using UglyToad.PdfPig;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Exceptions;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>A PDF file as text, page after page, by PdfPig. What it shows as pictures is not read.</summary>
internal static class PdfText
{
    /// <summary>One character in so many may be unknown without a word: bullets and other signs often are.</summary>
    private const int Few = 20;

    private const string Damaged = "a damaged PDF file";

    /// <exception cref="UnreadableDocumentException">Encrypted, without text, damaged, or made to exhaust memory.</exception>
    public static Document Parse(byte[] bytes, string name)
    {
        if (bytes.AsSpan(0, Math.Min(bytes.Length, 1024)).IndexOf("%PDF-"u8) < 0) throw new UnreadableDocumentException("not a PDF file");

        bytes = PdfRepair.WithEndOfStream(bytes);
        // A file whose objects are not where it says they are may be readable with a new table of them, or of its pages too.
        var reasons = new List<string>();
        return Attempt(() => bytes, name, reasons) ?? Attempt(() => PdfRepair.WithNewTable(bytes, newCatalog: false), name, reasons)
            ?? Attempt(() => PdfRepair.WithNewTable(bytes, newCatalog: true), name, reasons)
            ?? throw new UnreadableDocumentException(
                reasons.Find(reason => !reason.StartsWith(Damaged, StringComparison.Ordinal)) ?? reasons[0]);
    }

    /// <summary>The document; null, with a reason more, where it is damaged.</summary>
    private static Document? Attempt(Func<byte[]> bytes, string name, List<string> reasons)
    {
        try
        {
            return Read(bytes(), name);
        }
        catch (PdfDocumentEncryptedException)
        {
            throw new UnreadableDocumentException("encrypted; save it without a password");
        }
        catch (PdfDocumentStackDepthException)
        {
            throw new UnreadableDocumentException("a PDF file nested too deeply");
        }
        catch (Exception error) when (error is not (UnreadableDocumentException or OutOfMemoryException))
        {
            reasons.Add(error is InvalidDataException ? error.Message : $"{Damaged} ({error.Message})");
            return null;
        }
    }

    private static Document Read(byte[] bytes, string name)
    {
        var options = new PdfOptions();
        using PdfDocument file = PdfDocument.Open(bytes, options);
        options.Catalog = file.Structure.Catalog.CatalogDictionary;
        file.AddPageFactory<PdfPageText, PdfPageReader>();
        var text = new StringBuilder();
        var notes = new List<string>();
        for (int number = 1; number <= file.NumberOfPages; number++)
        {
            string page = Page(file, number, options, notes);
            text.Append(text.Length > 0 && page.Length > 0 ? "\n\n" : "").Append(page);
        }

        return file.NumberOfPages == 0 ? throw new InvalidDataException("a PDF file without pages; it is damaged")
            : text.Length == 0 && notes.Count > 0 ? throw new InvalidDataException(notes[0])
            : text.Length == 0 ? throw new InvalidDataException("no text in it (scanned pages?)")
            : new Document(null, file.Information.Title?.Trim() is { Length: > 0 } title ? title : name, text.ToString()) { Notes = notes };
    }

    /// <summary>A page's text. What of it cannot be read is noted; it costs the other pages nothing.</summary>
    private static string Page(PdfDocument file, int number, PdfOptions options, List<string> notes)
    {
        try
        {
            options.MissingFonts = 0;
            PdfPageText page = file.GetPage<PdfPageText>(number);
            string text = page.ToString();
            string? missing = options.MissingFonts > 0 ? "text in a font that cannot be read is missing"
                : page.Unknown > page.Known ? "its fonts do not say which characters they show"
                : page.Unknown * Few > page.Known ? "some characters are missing, because its fonts do not say which they are"
                : null;
            if (missing is not null) notes.Add($"page {number}: {missing}");
            return page.Unknown > page.Known ? "" : text;
        }
        catch (Exception error) when (IsOfPage(error))
        {
            notes.Add(TextDecoder.WithoutControls($"page {number}: damaged ({error.Message})").ReplaceLineEndings(" "));
            return "";
        }
    }

    /// <summary>Whether an error says something of one page only.</summary>
    private static bool IsOfPage(Exception error) => error is not
        (UnreadableDocumentException or OutOfMemoryException or PdfDocumentEncryptedException or PdfDocumentStackDepthException);
}
