using System.Text;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>The texts of the 256 codes of a simple font (ISO 32000-1, 9.6.6): a base encoding and the differences from it.</summary>
internal static class PdfEncoding
{
    /// <summary>Codes A0 to FF of the standard Latin encoding; a blank where there is none.</summary>
    private const string StandardUpper = " ¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ –†‡· ¶•‚„”»…‰ ¿ `´ˆ˜¯˘˙¨ ˚¸ ˝˛ˇ—                Æ ª    ŁØŒº     æ   ı  łøœß    ";

    /// <summary>The texts by code; null where none is known.</summary>
    public static string?[] Of(PdfFile file, PdfDictionary font)
    {
        object? encoding = file.Resolve(font["Encoding"]);
        var dictionary = encoding as PdfDictionary;
        string? name = encoding is PdfName given ? given.Text : file.Name(dictionary?["BaseEncoding"]);
        string?[] texts = Base(name, file.Name(font["Subtype"]) == "TrueType", file.Name(font["BaseFont"]) ?? "");
        int code = 0;
        foreach (object? entry in file.Array(dictionary?["Differences"]))
        {
            if (file.Resolve(entry) is double number)
            {
                code = (int)Math.Clamp(number, 0, 256);
            }
            else if (file.Name(entry) is { } glyph && code < 256)
            {
                texts[code++] = PdfGlyphNames.Text(glyph);
            }
        }

        return texts;
    }

    private static string?[] Base(string? name, bool trueType, string font)
    {
        if (name is null && (font.Contains("Symbol", StringComparison.Ordinal) || font.Contains("Dingbats", StringComparison.Ordinal)))
        {
            // Their codes are no letters; the bullet is what they are used for most.
            return [.. Enumerable.Range(0, 256).Select(code => code == 0xB7 ? "•" : code == 0x20 ? " " : null)];
        }

        string upper = name == "MacRomanEncoding" ? CodePage(10000) : name == "WinAnsiEncoding" || trueType ? CodePage(1252) : new string(' ', 32) + StandardUpper;
        bool standard = upper.EndsWith(StandardUpper, StringComparison.Ordinal);
        return [.. Enumerable.Range(0, 256).Select(code => code switch
        {
            < 0x20 or 0x7F => null,
            0x27 when standard => "’",
            0x60 when standard => "‘",
            < 0x80 => ((char)code).ToString(),
            _ when upper[code - 0x80] == ' ' && standard => null,
            _ => upper[code - 0x80].ToString(),
        })];
    }

    /// <summary>Codes 80 to FF of a Windows or Macintosh code page.</summary>
    private static string CodePage(int number) =>
        CodePagesEncodingProvider.Instance.GetEncoding(number)!.GetString([.. Enumerable.Range(0x80, 0x80).Select(code => (byte)code)]);
}
