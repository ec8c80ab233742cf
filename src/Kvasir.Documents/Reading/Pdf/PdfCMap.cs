using System.Text;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>A character map (ISO 32000-1, 9.7.5 and 9.10.3): the lengths of codes, and the text that each stands for where it is a ToUnicode map.</summary>
internal sealed class PdfCMap
{
    private readonly Dictionary<uint, string> _texts = [];
    private readonly List<(uint Low, uint High, string First)> _ranges = [];
    private readonly List<(int Bytes, uint Low, uint High)> _codes = [];

    public PdfCMap(byte[] source)
    {
        var lexer = new PdfLexer(source, 0, references: false);
        var operands = new List<object?>();
        while (lexer.TryRead(out object? value))
        {
            if (value is not PdfKeyword keyword)
            {
                operands.Add(value);
                continue;
            }

            switch (keyword.Text)
            {
                case "endcodespacerange":
                    AddCodes(operands);
                    break;
                case "endbfchar":
                    AddTexts(operands);
                    break;
                case "endbfrange":
                    AddRanges(operands);
                    break;
            }

            operands.Clear();
        }

        _ranges.Sort((a, b) => a.Low.CompareTo(b.Low));
    }

    /// <summary>Whether it says how long codes are.</summary>
    public bool HasCodes => _codes.Count > 0;

    /// <summary>The text of a code; null where none is given.</summary>
    public string? Text(uint code)
    {
        if (_texts.TryGetValue(code, out string? text))
        {
            return text;
        }

        int low = 0, high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _ranges[middle].Low <= code ? (middle + 1, high) : (low, middle);
        }

        return low > 0 && _ranges[low - 1] is var range && code <= range.High ? Advance(range.First, code - range.Low) : null;
    }

    /// <summary>The bytes of the code that a string begins with.</summary>
    public int CodeLength(ReadOnlySpan<byte> text)
    {
        uint code = 0;
        for (int bytes = 1; bytes <= Math.Min(4, text.Length); bytes++)
        {
            code = code << 8 | text[bytes - 1];
            foreach ((int length, uint low, uint high) in _codes)
            {
                if (length == bytes && code >= low && code <= high)
                {
                    return bytes;
                }
            }
        }

        return Math.Min(text.Length, _codes.Count > 0 ? _codes.Max(range => range.Bytes) : 1);
    }

    /// <summary>The big-endian number in a code's bytes.</summary>
    public static uint Code(ReadOnlySpan<byte> bytes)
    {
        uint code = 0;
        foreach (byte part in bytes)
        {
            code = code << 8 | part;
        }

        return code;
    }

    private void AddCodes(List<object?> operands)
    {
        for (int i = 0; i + 1 < operands.Count; i += 2)
        {
            // More ranges than any real map has would make every look-up slow.
            if (operands[i] is byte[] { Length: > 0 and <= 4 } low && operands[i + 1] is byte[] high && high.Length == low.Length && _codes.Count < 256)
            {
                _codes.Add((low.Length, Code(low), Code(high)));
            }
        }
    }

    private void AddTexts(List<object?> operands)
    {
        for (int i = 0; i + 1 < operands.Count; i += 2)
        {
            if (operands[i] is byte[] code && operands[i + 1] is byte[] text)
            {
                _texts[Code(code)] = Encoding.BigEndianUnicode.GetString(text);
            }
        }
    }

    private void AddRanges(List<object?> operands)
    {
        for (int i = 0; i + 2 < operands.Count; i += 3)
        {
            if (operands[i] is not byte[] low || operands[i + 1] is not byte[] high)
            {
                continue;
            }

            if (operands[i + 2] is byte[] first)
            {
                _ranges.Add((Code(low), Code(high), Encoding.BigEndianUnicode.GetString(first)));
            }
            else if (operands[i + 2] is List<object?> texts)
            {
                uint code = Code(low);
                foreach (byte[] text in texts.OfType<byte[]>())
                {
                    _texts[code++] = Encoding.BigEndianUnicode.GetString(text);
                }
            }
        }
    }

    private static string Advance(string first, uint by) => first.Length == 0 ? "" : first[..^1] + (char)(first[^1] + by);
}
