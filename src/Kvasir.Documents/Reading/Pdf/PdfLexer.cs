using System.Globalization;
using System.Text;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>Reads values and keywords one after another (ISO 32000-1, 7.2 and 7.3). Whatever it is given, it moves on and ends.</summary>
/// <param name="data">The bytes.</param>
/// <param name="position">Where to begin.</param>
/// <param name="references">Whether "1 0 R" is a reference; in content streams it is not.</param>
internal sealed class PdfLexer(byte[] data, int position, bool references)
{
    private const int Deepest = 100;
    private static readonly PdfKeyword s_end = new("");

    /// <summary>Where the next value begins, or the space before it.</summary>
    public int Position { get; set; } = position;

    private int Current => Position < data.Length ? data[Position] : -1;

    /// <summary>The next value or keyword; false at the end.</summary>
    public bool TryRead(out object? value)
    {
        value = Read(0);
        return !ReferenceEquals(value, s_end);
    }

    public static bool IsSpace(int c) => c is 0 or 9 or 10 or 12 or 13 or 32;

    private static bool IsDelimiter(int c) => c is '(' or ')' or '<' or '>' or '[' or ']' or '{' or '}' or '/' or '%';

    private static bool IsRegular(int c) => c >= 0 && !IsSpace(c) && !IsDelimiter(c);

    private object? Read(int depth)
    {
        if (depth > Deepest)
        {
            throw new UnreadableDocumentException("a PDF file nested too deeply");
        }

        SkipSpace();
        switch (Current)
        {
            case -1:
                return s_end;
            case '/':
                Position++;
                return new PdfName(ReadName());
            case '(':
                return ReadLiteral();
            case '[':
                return ReadArray(depth);
            case '<' when Position + 1 < data.Length && data[Position + 1] == '<':
                return ReadDictionary(depth);
            case '<':
                return ReadHex();
            case int c when IsDelimiter(c):
                Position++;
                return new PdfKeyword(((char)c).ToString());
            default:
                return ReadNumberOrKeyword();
        }
    }

    private void SkipSpace()
    {
        while (Position < data.Length)
        {
            if (data[Position] == '%')
            {
                while (Current is not (-1 or '\n' or '\r'))
                {
                    Position++;
                }
            }
            else if (IsSpace(data[Position]))
            {
                Position++;
            }
            else
            {
                return;
            }
        }
    }

    private string ReadName()
    {
        var name = new StringBuilder();
        while (IsRegular(Current))
        {
            if (Current == '#' && Position + 2 < data.Length && char.IsAsciiHexDigit((char)data[Position + 1]) && char.IsAsciiHexDigit((char)data[Position + 2]))
            {
                name.Append((char)(Convert.ToInt32(((char)data[Position + 1]).ToString(), 16) * 16 + Convert.ToInt32(((char)data[Position + 2]).ToString(), 16)));
                Position += 3;
            }
            else
            {
                name.Append((char)data[Position++]);
            }
        }

        return name.ToString();
    }

    private List<object?> ReadArray(int depth)
    {
        var array = new List<object?>();
        Position++;
        while (true)
        {
            SkipSpace();
            if (Current == ']')
            {
                Position++;
                return array;
            }

            object? value = Read(depth + 1);
            if (ReferenceEquals(value, s_end) || value is PdfKeyword { Text: "endobj" or "endstream" })
            {
                return array;
            }

            array.Add(value);
        }
    }

    private PdfDictionary ReadDictionary(int depth)
    {
        var dictionary = new PdfDictionary();
        Position += 2;
        while (true)
        {
            SkipSpace();
            if (Current == '>')
            {
                Position = Math.Min(Position + 2, data.Length);
                return dictionary;
            }

            int before = Position;
            object? key = Read(depth + 1);
            if (ReferenceEquals(key, s_end) || key is PdfKeyword { Text: "endobj" or "stream" })
            {
                Position = before;
                return dictionary;
            }

            if (key is PdfName name)
            {
                SkipSpace();
                dictionary[name.Text] = Current == '>' && Position + 1 < data.Length && data[Position + 1] == '>' ? null : Read(depth + 1);
            }
        }
    }

    private byte[] ReadLiteral()
    {
        var bytes = new List<byte>();
        int open = 1;
        Position++;
        while (Position < data.Length)
        {
            byte c = data[Position++];
            if (c == '\\')
            {
                ReadEscape(bytes);
                continue;
            }

            open += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (open == 0)
            {
                break;
            }

            bytes.Add(c);
        }

        return [.. bytes];
    }

    private void ReadEscape(List<byte> bytes)
    {
        int c = Current;
        Position++;
        switch (c)
        {
            case 'n': bytes.Add((byte)'\n'); break;
            case 'r': bytes.Add((byte)'\r'); break;
            case 't': bytes.Add((byte)'\t'); break;
            case 'b': bytes.Add(8); break;
            case 'f': bytes.Add(12); break;
            case '\r':
                Position += Current == '\n' ? 1 : 0;
                break;
            case '\n' or -1:
                break;
            case >= '0' and <= '7':
                int code = c - '0';
                for (int i = 0; i < 2 && Current is >= '0' and <= '7'; i++)
                {
                    code = code * 8 + data[Position++] - '0';
                }

                bytes.Add((byte)code);
                break;
            default:
                bytes.Add((byte)c);
                break;
        }
    }

    private byte[] ReadHex()
    {
        var digits = new StringBuilder();
        for (Position++; Position < data.Length && data[Position] != '>'; Position++)
        {
            if (char.IsAsciiHexDigit((char)data[Position]))
            {
                digits.Append((char)data[Position]);
            }
        }

        Position = Math.Min(Position + 1, data.Length);
        return Convert.FromHexString(digits.Length % 2 == 0 ? digits.ToString() : digits.Append('0').ToString());
    }

    private object? ReadNumberOrKeyword()
    {
        int start = Position;
        while (IsRegular(Current))
        {
            Position++;
        }

        ReadOnlySpan<byte> word = data.AsSpan(start, Position - start);
        if (double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number))
        {
            return references && IsWhole(word) && number <= int.MaxValue ? ReferenceOr(number) : number;
        }

        return Encoding.Latin1.GetString(word) switch
        {
            "true" => true,
            "false" => false,
            "null" => null,
            string text => new PdfKeyword(text),
        };
    }

    /// <summary>A whole number followed by another and "R" is a reference.</summary>
    private object ReferenceOr(double number)
    {
        int i = Position;
        SkipSpaces(ref i);
        int generation = i;
        while (i < data.Length && char.IsAsciiDigit((char)data[i]))
        {
            i++;
        }

        if (i == generation)
        {
            return number;
        }

        SkipSpaces(ref i);
        if (i >= data.Length || data[i] != 'R' || (i + 1 < data.Length && IsRegular(data[i + 1])))
        {
            return number;
        }

        Position = i + 1;
        return new PdfReference((int)number);
    }

    private void SkipSpaces(ref int i)
    {
        while (i < data.Length && IsSpace(data[i]))
        {
            i++;
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> word) => word.Length <= 10 && !word.ContainsAnyExceptInRange((byte)'0', (byte)'9');
}
