using System.IO.Compression;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>Undoes the filters of streams (ISO 32000-1, 7.4), but for those of images. Damaged data gives what comes before the damage.</summary>
internal static class PdfFilters
{
    /// <summary>The bytes of a stream; none where a filter is not known.</summary>
    /// <exception cref="UnreadableDocumentException">It unpacks to more than <paramref name="limit"/> bytes.</exception>
    public static byte[] Undo(PdfFile file, PdfStream stream, long limit)
    {
        byte[] bytes = stream.Raw.ToArray();
        object? filter = file.Resolve(stream.Dictionary["Filter"]);
        object? parameters = file.Resolve(stream.Dictionary["DecodeParms"]);
        List<object?> filters = filter as List<object?> ?? (filter is null ? [] : [filter]);
        List<object?> settings = parameters as List<object?> ?? [parameters];
        for (int i = 0; i < filters.Count && bytes.Length > 0; i++)
        {
            PdfDictionary? setting = i < settings.Count ? file.Dictionary(settings[i]) : null;
            bytes = file.Name(filters[i]) switch
            {
                "FlateDecode" or "Fl" => Predicted(file, Inflate(bytes, limit), setting),
                "LZWDecode" or "LZW" => Predicted(file, Lzw(bytes, limit, early: file.Number(setting?["EarlyChange"]) is not 0), setting),
                "ASCIIHexDecode" or "AHx" => Hex(bytes),
                "ASCII85Decode" or "A85" => Ascii85(bytes, limit),
                "RunLengthDecode" or "RL" => RunLength(bytes, limit),
                _ => [],
            };
        }

        return bytes;
    }

    private static byte[] Inflate(byte[] bytes, long limit)
    {
        using var output = new MemoryStream();
        using var zlib = new ZLibStream(new MemoryStream(bytes, writable: false), CompressionMode.Decompress);
        byte[] buffer = new byte[1 << 14];
        try
        {
            for (int read; (read = zlib.Read(buffer)) > 0;)
            {
                output.Write(buffer, 0, read);
                Check(output.Length, limit);
            }
        }
        catch (InvalidDataException)
        {
            // What came before the damage is kept.
        }

        return output.ToArray();
    }

    /// <summary>Codes of 9 to 12 bits; 256 clears the table, 257 ends.</summary>
    private static byte[] Lzw(byte[] bytes, long limit, bool early)
    {
        var output = new MemoryStream();
        (int Prefix, byte Last, int Length)[] table = new (int, byte, int)[4096];
        byte[] word = new byte[4096];
        int next = 258, width = 9, previous = -1, bits = 0, held = 0;
        foreach (byte value in bytes)
        {
            held = held << 8 | value;
            bits += 8;
            if (bits < width)
            {
                continue;
            }

            bits -= width;
            int code = held >> bits & (1 << width) - 1;
            held &= (1 << bits) - 1;
            if (code == 257 || code > next || (code == next && previous < 0))
            {
                break;
            }

            if (code == 256)
            {
                (next, width, previous) = (258, 9, -1);
                continue;
            }

            int length = Word(table, code == next ? previous : code, word);
            if (code == next && length < word.Length)
            {
                word[length++] = word[0];
            }

            output.Write(word, 0, length);
            Check(output.Length, limit);
            if (previous >= 0 && next < 4096)
            {
                table[next] = (previous, word[0], previous < 256 ? 2 : table[previous].Length + 1);
                next++;
            }

            previous = code;
            int boundary = next + (early ? 1 : 0);
            width = boundary >= 2048 ? 12 : boundary >= 1024 ? 11 : boundary >= 512 ? 10 : 9;
        }

        return output.ToArray();
    }

    private static int Word((int Prefix, byte Last, int Length)[] table, int code, byte[] word)
    {
        int length = code < 256 ? 1 : Math.Min(table[code].Length, word.Length);
        for (int i = length - 1; i > 0; i--)
        {
            (word[i], code) = (table[code].Last, table[code].Prefix);
        }

        word[0] = (byte)code;
        return length;
    }

    private static byte[] Hex(byte[] bytes)
    {
        int end = Array.IndexOf(bytes, (byte)'>');
        char[] digits = [.. bytes.Take(end < 0 ? bytes.Length : end).Select(b => (char)b).Where(char.IsAsciiHexDigit)];
        return Convert.FromHexString(digits.Length % 2 == 0 ? digits : [.. digits, '0']);
    }

    private static byte[] Ascii85(byte[] bytes, long limit)
    {
        var output = new MemoryStream();
        uint group = 0;
        int count = 0;
        foreach (byte c in bytes)
        {
            if (c == '~')
            {
                break;
            }

            if (c == 'z' && count == 0)
            {
                output.Write([0, 0, 0, 0]);
            }
            else if (c is >= (byte)'!' and <= (byte)'u')
            {
                group = group * 85 + c - '!';
                if (++count == 5)
                {
                    Write(output, group, 4);
                    (group, count) = (0, 0);
                }
            }

            Check(output.Length, limit);
        }

        if (count > 1)
        {
            for (int i = count; i < 5; i++)
            {
                group = group * 85 + 84;
            }

            Write(output, group, count - 1);
        }

        return output.ToArray();
    }

    private static void Write(MemoryStream output, uint group, int bytes)
    {
        for (int i = 0; i < bytes; i++)
        {
            output.WriteByte((byte)(group >> 24 - 8 * i));
        }
    }

    private static byte[] RunLength(byte[] bytes, long limit)
    {
        var output = new MemoryStream();
        for (int i = 0; i < bytes.Length && bytes[i] != 128;)
        {
            int length = bytes[i++];
            if (length < 128)
            {
                int copied = Math.Min(length + 1, bytes.Length - i);
                output.Write(bytes, i, copied);
                i += copied;
            }
            else if (i < bytes.Length)
            {
                for (int repeat = 257 - length; repeat > 0; repeat--)
                {
                    output.WriteByte(bytes[i]);
                }

                i++;
            }

            Check(output.Length, limit);
        }

        return output.ToArray();
    }

    /// <summary>Undoes the PNG predictors, which object and cross-reference streams use; TIFF's occurs in images alone.</summary>
    private static byte[] Predicted(PdfFile file, byte[] bytes, PdfDictionary? setting)
    {
        if (file.Number(setting?["Predictor"]) is not >= 10)
        {
            return bytes;
        }

        double columns = file.Number(setting?["Columns"]) ?? 1, colors = file.Number(setting?["Colors"]) ?? 1, depth = file.Number(setting?["BitsPerComponent"]) ?? 8;
        double rowBytes = Math.Ceiling(columns * colors * depth / 8);
        if (rowBytes is not (>= 1 and <= 1 << 20) || colors * depth is not (>= 1 and <= 1 << 10))
        {
            return [];
        }

        int width = (int)rowBytes, pixel = Math.Max(1, (int)(colors * depth / 8));
        byte[] output = new byte[bytes.Length / (width + 1) * width];
        byte[] above = new byte[width];
        for (int row = 0; (row + 1) * (width + 1) <= bytes.Length; row++)
        {
            Span<byte> line = output.AsSpan(row * width, width);
            bytes.AsSpan(row * (width + 1) + 1, width).CopyTo(line);
            UndoRow(bytes[row * (width + 1)], line, above, pixel);
            line.CopyTo(above);
        }

        return output;
    }

    private static void UndoRow(byte kind, Span<byte> line, ReadOnlySpan<byte> above, int pixel)
    {
        for (int i = 0; i < line.Length; i++)
        {
            int left = i >= pixel ? line[i - pixel] : 0, corner = i >= pixel ? above[i - pixel] : 0;
            line[i] += (byte)(kind switch
            {
                1 => left,
                2 => above[i],
                3 => (left + above[i]) / 2,
                4 => Paeth(left, above[i], corner),
                _ => 0,
            });
        }
    }

    private static int Paeth(int left, int above, int corner)
    {
        int estimate = left + above - corner;
        int toLeft = Math.Abs(estimate - left), toAbove = Math.Abs(estimate - above), toCorner = Math.Abs(estimate - corner);
        return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
    }

    private static void Check(long length, long limit)
    {
        if (length > limit)
        {
            throw new UnreadableDocumentException("a part of it unpacks to an unreasonable size");
        }
    }
}
