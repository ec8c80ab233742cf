using System.Buffers;
using System.Text.RegularExpressions;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Tokenization.Scanner;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>
/// A file that is cut, or whose cross-reference table is broken, with a new table of the objects that are found in it; of an object that
/// stands twice the later one holds, as in files that were updated by appending.
/// </summary>
internal sealed partial class PdfRepair
{
    /// <summary>Bytes behind "obj" or "trailer" that are looked at for what it is.</summary>
    private const int Head = 2048;

    /// <summary>So far above the objects that are found stand those that are added, clear of the numbers of lost ones.</summary>
    private const int Clear = 1_000_000;

    private readonly byte[] _bytes;
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly SortedDictionary<int, long> _offsets = [];

    private PdfRepair(byte[] bytes) => _bytes = bytes;

    /// <summary>The file with a new table behind it.</summary>
    /// <param name="bytes">A file with the mark of a PDF in it.</param>
    /// <param name="newCatalog">Whether to list the pages anew too, where the file's own list leads nowhere.</param>
    public static byte[] WithNewTable(byte[] bytes, bool newCatalog) =>
        new PdfRepair(bytes[bytes.AsSpan().IndexOf("%PDF-"u8)..]).Run(newCatalog);

    /// <summary>A file that is cut within a stream with the end of that stream behind it; any other as it is.</summary>
    public static byte[] WithEndOfStream(byte[] bytes)
    {
        int last = bytes.AsSpan().LastIndexOf("stream"u8);
        bool isOpen = last > 0 && !bytes.AsSpan(0, last).EndsWith("end"u8) && bytes.AsSpan(last).IndexOf("startxref"u8) < 0;
        return isOpen ? [.. bytes, .. "\nendstream\nendobj\n"u8] : bytes;
    }

    private byte[] Run(bool newCatalog)
    {
        _output.Write(_bytes);
        var trailers = new StringBuilder();
        var pages = new SortedSet<int>();
        for (int at = 0; _bytes.AsSpan(at).IndexOf("obj"u8) is >= 0 and int found; at += found + 3)
        {
            if (NumberOf().Match(Text(at + found - 24, 24)) is { Success: true } match)
                AddObject(Number(match.Groups[1].ValueSpan), at + found - match.Length, at + found + 3, trailers, pages);
        }

        for (int at = 0; _bytes.AsSpan(at).IndexOf("trailer"u8) is >= 0 and int found; at += found + 7)
            trailers.Append(Text(at + found, Head));

        string all = trailers.ToString(), root = newCatalog ? "" : Reference(all, "Root");
        string others = Reference(all, "Encrypt") + Reference(all, "Info") + Identity().Match(all).Value;
        return WithTable((root.Length > 0 ? root : Catalog(pages)) + others);
    }

    private void AddObject(int number, int start, int end, StringBuilder trailers, SortedSet<int> pages)
    {
        _offsets[number] = start;
        string head = Text(end, Head);
        int close = head.IndexOf("endobj", StringComparison.Ordinal);
        switch (Kind().Match(close < 0 ? head : head[..close]).Groups[1].Value)
        {
            case "XRef":
                trailers.Append(head);
                break;
            case "ObjStm":
                Unpack(end);
                break;
            case "Page":
                pages.Add(number);
                break;
        }
    }

    /// <summary>Writes the objects of an object stream out as objects of their own.</summary>
    private void Unpack(int offset)
    {
        try
        {
            var scanner = new CoreTokenScanner(new MemoryInputBytes(_bytes.AsMemory(offset)), true, new StackDepthGuard(32));
            int start = offset + _bytes.AsSpan(offset).IndexOf("stream"u8) + 6;
            start += _bytes[start] == '\r' ? 2 : 1;
            int length = _bytes.AsSpan(start).IndexOf("endstream"u8);
            if (!scanner.TryReadToken(out DictionaryToken entries) || length < 0
                || !entries.TryGet(NameToken.First, out NumericToken first))
                return;

            var stream = new StreamToken(entries, _bytes.AsMemory(start, length));
            string content = Encoding.Latin1.GetString(stream.Decode(new PdfFilters()).Span);
            int[] pairs = [.. content[..first.Int].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                .Select(word => Number(word))];
            for (int i = 0; i + 1 < pairs.Length; i += 2)
            {
                int last = i + 3 < pairs.Length ? pairs[i + 3] : content.Length - first.Int;
                _offsets[pairs[i]] = _output.WrittenCount;
                Write($"{pairs[i]} 0 obj\n{content[(first.Int + pairs[i + 1])..(first.Int + last)]}\nendobj\n");
            }
        }
        catch (Exception error) when (error is not (UnreadableDocumentException or OutOfMemoryException))
        {
            // What is broken in it is broken; other objects may be whole.
        }
    }

    /// <summary>The last reference of this name to an object that there is, as an entry of a trailer.</summary>
    private string Reference(string trailers, string key) =>
        Regex.Matches(trailers, $@"/{key}\s+(\d{{1,9}})\s+\d{{1,5}}\s+R")
            .LastOrDefault(match => _offsets.ContainsKey(Number(match.Groups[1].ValueSpan)))?.Value ?? "";

    private static int Number(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>A catalog of all pages, in the order of their numbers, where the file's own is lost.</summary>
    private string Catalog(SortedSet<int> pages)
    {
        int root = _offsets.Keys.LastOrDefault() + Clear;
        _offsets[root] = _output.WrittenCount;
        _offsets[root + 1] = _output.WrittenCount + Write($"{root} 0 obj\n<</Type/Catalog/Pages {root + 1} 0 R>>\nendobj\n");
        string kids = string.Join(' ', pages.Select(page => $"{page} 0 R"));
        Write($"{root + 1} 0 obj\n<</Type/Pages/Count {pages.Count}/Kids[{kids}]>>\nendobj\n");
        return $"/Root {root} 0 R";
    }

    private byte[] WithTable(string trailer)
    {
        Write("\n");
        long table = _output.WrittenCount;
        Write("xref\n0 1\n0000000000 65535 f \n");
        foreach ((int number, long offset) in _offsets)
            Write(string.Create(CultureInfo.InvariantCulture, $"{number} 1\n{offset:0000000000} 00000 n \n"));

        Write($"trailer\n<</Size {_offsets.Keys.LastOrDefault() + 1}{trailer}>>\nstartxref\n{table}\n%%EOF\n");
        return _output.WrittenSpan.ToArray();
    }

    private int Write(string text)
    {
        _output.Write(Encoding.Latin1.GetBytes(text));
        return text.Length;
    }

    private string Text(int start, int length)
    {
        int from = Math.Max(start, 0);
        return Encoding.Latin1.GetString(_bytes.AsSpan(from, Math.Min(length + Math.Min(start, 0), _bytes.Length - from)));
    }

    [GeneratedRegex(@"(?<!\d)(\d{1,9})\s+\d{1,5}\s+$")]
    private static partial Regex NumberOf();

    [GeneratedRegex(@"/Type\s*/(XRef|ObjStm|Page|Catalog)\b")]
    private static partial Regex Kind();

    [GeneratedRegex(@"/ID\s*\[\s*<[0-9A-Fa-f\s]*>\s*<[0-9A-Fa-f\s]*>\s*\]")]
    private static partial Regex Identity();
}
