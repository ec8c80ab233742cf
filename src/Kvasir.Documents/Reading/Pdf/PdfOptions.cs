using UglyToad.PdfPig;
using UglyToad.PdfPig.Logging;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>How PdfPig reads a file, what its page factory is to know of the file, and what it hears of text that is left out.</summary>
internal sealed class PdfOptions : ParsingOptions, ILog
{
    public PdfOptions() => (SkipMissingFonts, FilterProvider, Logger) = (true, new PdfFilters(), this);

    /// <summary>The file's catalog.</summary>
    public DictionaryToken Catalog { get; set; } = DictionaryToken.Empty;

    /// <summary>Texts shown in fonts that could not be read.</summary>
    public int MissingFonts { get; set; }

    public void Warn(string message) => MissingFonts += message.StartsWith("Skipping a missing font", StringComparison.Ordinal) ? 1 : 0;

    public void Debug(string message) { }
    public void Debug(string message, Exception ex) { }
    public void Error(string message) { }
    public void Error(string message, Exception ex) { }
}
