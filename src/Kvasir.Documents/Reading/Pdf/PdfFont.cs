using System.Text;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>A character as a font shows it.</summary>
/// <param name="Text">Its text; null where the font does not tell.</param>
/// <param name="Width">How far it moves on, in units of the font size.</param>
/// <param name="IsSpace">Whether word spacing applies: a one-byte code 32.</param>
internal readonly record struct PdfGlyph(string? Text, float Width, bool IsSpace);

/// <summary>A font: the texts and widths of the codes in a string (ISO 32000-1, 9.5 to 9.10).</summary>
internal sealed class PdfFont
{
    private const float UnknownWidth = 0.5f;
    private readonly PdfCMap? _toUnicode;
    private readonly PdfCMap? _codes;
    private readonly bool _composite;
    private readonly bool _unicodeCodes;
    private readonly string?[] _texts = [];
    private readonly Dictionary<uint, float> _widths = [];
    private readonly float _defaultWidth = UnknownWidth;

    public PdfFont(PdfFile file, PdfDictionary font)
    {
        _toUnicode = file.Resolve(font["ToUnicode"]) is PdfStream map ? new PdfCMap(file.Unpack(map)) : null;
        _composite = file.Name(font["Subtype"]) == "Type0";
        if (_composite)
        {
            PdfDictionary? descendant = file.Dictionary(file.Array(font["DescendantFonts"]).FirstOrDefault());
            _codes = file.Resolve(font["Encoding"]) is PdfStream codes && new PdfCMap(file.Unpack(codes)) is { HasCodes: true } given ? given : null;
            _unicodeCodes = file.Name(font["Encoding"]) is { } name && (name.Contains("UCS2", StringComparison.Ordinal) || name.Contains("UTF16", StringComparison.Ordinal));
            _defaultWidth = (float)(file.Number(descendant?["DW"]) ?? 1000) / 1000;
            ReadWidths(file, file.Array(descendant?["W"]));
        }
        else
        {
            _texts = PdfEncoding.Of(file, font);
            _defaultWidth = (float)(file.Number(file.Dictionary(font["FontDescriptor"])?["MissingWidth"]) is > 0 and double missing ? missing / 1000 : UnknownWidth);
            uint code = (uint)Math.Clamp(file.Number(font["FirstChar"]) ?? 0, 0, 255);

            // A Type 3 font has a space of its own; its matrix maps widths to units of the font size.
            float unit = file.Array(font["FontMatrix"]) is [double scale, ..] ? (float)scale : 0.001f;
            foreach (object? width in file.Array(font["Widths"]).Take(256))
            {
                _widths[code++] = (float)(file.Number(width) ?? 0) * unit;
            }
        }
    }

    /// <summary>The characters of a string.</summary>
    public List<PdfGlyph> Decode(ReadOnlySpan<byte> text)
    {
        var glyphs = new List<PdfGlyph>(text.Length);
        while (text.Length > 0)
        {
            int length = !_composite ? 1 : _codes?.CodeLength(text) ?? Math.Min(2, text.Length);
            uint code = PdfCMap.Code(text[..length]);
            string? shown = _toUnicode?.Text(code) ?? (_composite ? Unicode(text[..length]) : _texts[code]);
            glyphs.Add(new PdfGlyph(shown, _widths.GetValueOrDefault(code, _defaultWidth), length == 1 && code == 32));
            text = text[length..];
        }

        return glyphs;
    }

    private string? Unicode(ReadOnlySpan<byte> code) => _unicodeCodes ? Encoding.BigEndianUnicode.GetString(code) : null;

    /// <summary>Widths of a composite font: "first [w …]" or "first last w".</summary>
    private void ReadWidths(PdfFile file, List<object?> entries)
    {
        for (int i = 0; i + 1 < entries.Count;)
        {
            uint first = Code(file, entries[i]);
            if (file.Resolve(entries[i + 1]) is List<object?> widths)
            {
                foreach (object? width in widths)
                {
                    _widths[first++] = (float)(file.Number(width) ?? 0) / 1000;
                }

                i += 2;
            }
            else if (i + 2 < entries.Count)
            {
                uint last = Math.Min(Code(file, entries[i + 1]), 0xFFFF);
                for (; first <= last; first++)
                {
                    _widths[first] = (float)(file.Number(entries[i + 2]) ?? 0) / 1000;
                }

                i += 3;
            }
            else
            {
                break;
            }
        }
    }

    private static uint Code(PdfFile file, object? value) => (uint)Math.Clamp(file.Number(value) ?? 0, 0, uint.MaxValue / 2);
}
