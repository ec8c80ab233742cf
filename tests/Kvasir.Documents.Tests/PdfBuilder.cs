using System.IO.Compression;

namespace Kvasir.Documents.Tests;

/// <summary>Writes small PDF files: objects as text, streams with or without filters.</summary>
internal sealed class PdfBuilder
{
    private readonly SortedDictionary<int, byte[]> _objects = [];
    private int _next = 10;
    private bool _packed;

    public string Trailer { get; set; } = "";

    /// <summary>What stands in the dictionary of every page besides.</summary>
    public string PageEntries { get; set; } = "";

    public string Resources { get; set; } = "/Font<</F 3 0 R>>";

    /// <summary>A file of pages that show text with font /F, Helvetica in WinAnsi unless said otherwise.</summary>
    public static PdfBuilder Of(params string[] contents)
    {
        var pdf = new PdfBuilder();
        pdf.Set(3, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>");
        string[] pages = [.. contents.Select(content => $"{pdf.Add("PAGE" + pdf.AddStream(Encoding.Latin1.GetBytes(content)))} 0 R")];
        pdf.Set(1, "<</Type/Catalog/Pages 2 0 R>>");
        pdf.Set(2, $"<</Type/Pages/Count {pages.Length}/Kids[{string.Join(' ', pages)}]>>");
        return pdf;
    }

    public PdfBuilder Set(int number, string value)
    {
        _objects[number] = Encoding.Latin1.GetBytes(value);
        return this;
    }

    public int Add(string value)
    {
        Set(_next, value);
        return _next++;
    }

    public int AddStream(byte[] bytes, string entries = "", string? length = null)
    {
        _objects[_next] =
            [.. Encoding.Latin1.GetBytes(
                $"<<{entries}/Length {length ?? bytes.Length.ToString(CultureInfo.InvariantCulture)}>>\nstream\r\n"), .. bytes,
                .. "\nendstream"u8];
        return _next++;
    }

    public static byte[] Deflate(byte[] bytes)
    {
        using var memory = new MemoryStream();
        using (var zlib = new ZLibStream(memory, CompressionLevel.SmallestSize))
        {
            zlib.Write(bytes);
        }

        return memory.ToArray();
    }

    /// <summary>Moves objects into an object stream, as PDF 1.5 writes them, behind a PNG predictor as its writers like to.</summary>
    public PdfBuilder Pack(params int[] numbers)
    {
        _packed = true;
        var index = new StringBuilder();
        var content = new MemoryStream();
        foreach (int number in numbers)
        {
            index.Append(CultureInfo.InvariantCulture, $"{number} {content.Length} ");
            content.Write(Page(_objects[number]));
            content.WriteByte((byte)' ');
            _objects.Remove(number);
        }

        byte[] plain = [.. Encoding.Latin1.GetBytes(index.ToString()), .. content.ToArray()];
        const int width = 7;
        byte[] rows = [.. plain, .. new byte[(width - plain.Length % width) % width].Select(_ => (byte)' ')];
        var predicted = new MemoryStream();
        for (int row = 0; row < rows.Length; row += width)
        {
            predicted.WriteByte(2);
            for (int i = 0; i < width; i++)
            {
                predicted.WriteByte((byte)(rows[row + i] - (row > 0 ? rows[row - width + i] : 0)));
            }
        }

        AddStream(Deflate(predicted.ToArray()),
            $"/Type/ObjStm/N {numbers.Length}/First {index.Length}/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns {width}>>");
        return this;
    }

    /// <summary>The file; without its table where objects were packed, which would need one of another kind.</summary>
    public byte[] Build()
    {
        using var file = new MemoryStream();
        file.Write("%PDF-1.7\n%\u00e2\u00e3\n"u8);
        var table = new StringBuilder("xref\n0 1\n0000000000 65535 f \n");
        foreach ((int number, byte[] value) in _objects)
        {
            table.Append(CultureInfo.InvariantCulture, $"{number} 1\n{file.Length:0000000000} 00000 n \n");
            file.Write(Encoding.Latin1.GetBytes($"{number} 0 obj\n"));
            file.Write(Page(value));
            file.Write("\nendobj\n"u8);
        }

        long start = file.Length;
        file.Write(
            Encoding.Latin1.GetBytes(
            $"{(_packed ? "" : table)}trailer\n<</Size 99/Root 1 0 R{Trailer}>>\nstartxref\n{(_packed ? 0 : start)}\n%%EOF\n"));
        return file.ToArray();
    }

    private byte[] Page(byte[] value) => value.AsSpan().StartsWith("PAGE"u8)
        ? Encoding.Latin1.GetBytes(
            $"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]{PageEntries}/Resources<<{Resources}>>/Contents "
            + $"{Encoding.Latin1.GetString(value.AsSpan(4))} 0 R>>")
        : value;
}
