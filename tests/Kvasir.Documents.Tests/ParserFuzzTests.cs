using System.IO.Compression;

namespace Kvasir.Documents.Tests;

/// <summary>
/// Mutated documents of each kind: every one is read or refused with a reason, in bounded time and memory. KVASIR_FUZZ sets how many of each
/// kind are tried (a short run by default), KVASIR_FUZZ_SEED where they begin.
/// </summary>
public sealed class ParserFuzzTests : IDisposable
{
    private static readonly string[] s_words = ["[", "]", "<<", ">>", "(", ")", "<", ">", "{", "}", "\"", ",", ";", "\n", "\r\n", "|", "> ", "- ", "[a](", "![", "**", "`", "<p>", "<table><tr><td>", "</", "<svg>", "&#x0;", "\0", "\uFEFF",
        "0", "-1", "65535", "2147483648", "99999999999999999999", "1e999", " 0 R", "stream\n", "endstream", "endobj", "obj", "/Kids", "/Parent", "/Length", "/W", "/Filter", "beginbfrange", "BT ", " Tj ET", "Do ", "<w:p>", "<w:tbl>", "xmlns:w=\"", "{\"text\":", "\\u", "\\ud800"];

    private readonly DocumentReader _reader = new();

    public void Dispose() => _reader.Dispose();

    public static TheoryData<string> Kinds => ["a.pdf", "a.docx", "a.html", "a.md", "a.csv", "a.jsonl", "a.txt"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Mutated_documents_are_read_or_refused(string name)
    {
        int count = Setting("KVASIR_FUZZ", 300), seed = Setting("KVASIR_FUZZ_SEED", 1);
        byte[][] seeds = [.. Seeds(name)];
        TimeSpan longest = TimeSpan.Zero;
        var reasons = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = Mutated(name, seeds, new Random(seed + i));
            long start = Stopwatch.GetTimestamp();
            Exception? error = Record.Exception(() => _reader.Read(name, bytes));
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            longest = time > longest ? time : longest;
            Assert.True(error is null or UnreadableDocumentException, $"{name}, seed {seed + i}: {error}");
            Assert.True(error is null || !error.Message.Any(char.IsControl), $"{name}, seed {seed + i}: {error?.Message}");
            if (error is not null && error.Message.StartsWith("it takes", StringComparison.Ordinal))
            {
                reasons[$"{error.Message} (seed {seed + i})"] = bytes.Length;
            }
        }

        if (count > 1000)
        {
            Console.WriteLine($"{name}: {count} inputs, longest {longest.TotalSeconds:0.0} s; {string.Join("; ", reasons.Select(entry => $"{entry.Key}, {entry.Value} bytes"))}");
        }
    }

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value) ? value : otherwise;

    private static byte[] Mutated(string name, byte[][] seeds, Random random)
    {
        byte[] seed = seeds[random.Next(seeds.Length)];
        if (name == "a.docx" && random.Next(4) > 0)
        {
            return Repacked(seed, part => Mutated(part, seeds, random), random);
        }

        return name == "a.pdf" && random.Next(20) == 0 ? seed[..random.Next(seed.Length)] : Mutated(seed, seeds, random);
    }

    private static byte[] Mutated(byte[] seed, byte[][] seeds, Random random)
    {
        var bytes = new List<byte>(seed);
        for (int hits = 1 + random.Next(4); hits > 0 && bytes.Count > 0; hits--)
        {
            int at = random.Next(bytes.Count), length = Math.Min(bytes.Count - at, 1 + random.Next(1 << random.Next(8)));
            switch (random.Next(8))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(at, Repeated([.. bytes.GetRange(at, length)], random));
                    break;
                case 4:
                    bytes.InsertRange(at, Repeated(Encoding.UTF8.GetBytes(s_words[random.Next(s_words.Length)]), random));
                    break;
                case 5:
                    byte[] other = seeds[random.Next(seeds.Length)];
                    int from = random.Next(other.Length);
                    bytes.InsertRange(at, other[from..Math.Min(other.Length, from + length)]);
                    break;
                default:
                    ChangeNumber(bytes, at, random);
                    break;
            }
        }

        return [.. bytes];
    }

    private static IEnumerable<byte> Repeated(byte[] part, Random random) =>
        Enumerable.Repeat(part, random.Next(4) == 0 ? 1 << random.Next(13) : 1 + random.Next(3)).SelectMany(one => one).Take(1 << 16);

    /// <summary>Gives the next number in the text another value: lengths, offsets, references, counts.</summary>
    private static void ChangeNumber(List<byte> bytes, int at, Random random)
    {
        int start = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
        if (start < 0)
        {
            return;
        }

        int end = start;
        while (end < bytes.Count && bytes[end] is >= (byte)'0' and <= (byte)'9')
        {
            end++;
        }

        string[] values = ["0", "1", "2", "3", "5", "10", "-1", "65535", "2147483647", "4294967296", "99999999999999999999"];
        bytes.RemoveRange(start, end - start);
        bytes.InsertRange(start, Encoding.ASCII.GetBytes(values[random.Next(values.Length)]));
    }

    private static byte[] Repacked(byte[] package, Func<byte[], byte[]> change, Random random)
    {
        var output = new MemoryStream();
        using (var from = new ZipArchive(new MemoryStream(package)))
        using (var to = new ZipArchive(output, ZipArchiveMode.Create))
        {
            int changed = random.Next(from.Entries.Count);
            foreach (ZipArchiveEntry entry in from.Entries)
            {
                using var content = new MemoryStream();
                using (Stream stream = entry.Open())
                {
                    stream.CopyTo(content);
                }

                using Stream target = to.CreateEntry(entry.FullName, CompressionLevel.Fastest).Open();
                target.Write(changed-- == 0 ? change(content.ToArray()) : content.ToArray());
            }
        }

        return output.ToArray();
    }

    private static IEnumerable<byte[]> Seeds(string name) => name switch
    {
        "a.pdf" => Pdfs(),
        "a.docx" => [DocxTests.Sample()],
        "a.html" => ["<html><head><title>A</title></head><body><h1>B</h1><p>one <b>two</b><ul><li>x<li>y</ul><table><tr><th>k<th>v<tr><td>1<td rowspan=2>2</table><ol start=3><li>z</ol><pre> a\n b</pre></body></html>"u8.ToArray()],
        "a.md" => ["---\ntitle: T\n---\n# Head\n\nText *with* [a link](http://x.y) and `code`.\n\n> quote\n> - item\n>   1. deep\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n<div>html</div>\n"u8.ToArray()],
        "a.csv" => ["name,year,\"a, b\"\nGreta,2020,\"x \"\"y\"\"\"\nOtto,2021,\n"u8.ToArray(), "sep=;\na;b\n1,5;2\n"u8.ToArray(), "a\tb\n1\t2\n"u8.ToArray()],
        "a.jsonl" => ["{\"id\":1,\"title\":\"T\",\"text\":\"one\"}\n{\"text\":\"two \\u00e9\",\"x\":[1,{\"y\":null}]}\n"u8.ToArray()],
        _ => ["Grüße\r\nand more text\n"u8.ToArray(), [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("Grüße 日本\n")], [.. Encoding.BigEndianUnicode.GetBytes("plain text without a mark")], [.. Encoding.UTF32.GetBytes("text")]],
    };

    private static IEnumerable<byte[]> Pdfs()
    {
        const string Map = "1 begincodespacerange <0000><FFFF> endcodespacerange 2 beginbfchar <0001> <0048> <0002> <D83DDE00> endbfchar 2 beginbfrange <0010> <0013> <0061> <0020> <0021> [<006600660069> <65E5>] endbfrange";
        foreach (bool packed in (bool[])[false, true])
        {
            PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td [(some) 20 <41>] TJ /G 9 Tf <00010010> Tj ET /X Do", "/OC /L BDC BT /F 9 Tf (layer) Tj ET EMC BI /W 1 /H 1 ID x EI");
            int map = pdf.AddStream(packed ? PdfBuilder.Deflate(Encoding.Latin1.GetBytes(Map)) : Encoding.Latin1.GetBytes(Map), packed ? "/Filter/FlateDecode" : "");
            int form = pdf.AddStream(packed ? PdfBuilder.Deflate("BT /F 10 Tf 50 650 Td (inside) Tj ET"u8.ToArray()) : "BT /F 10 Tf 50 650 Td (inside) Tj ET"u8.ToArray(), "/Type/XObject/Subtype/Form/BBox[0 0 9 9]" + (packed ? "/Filter/FlateDecode" : ""));
            int cid = pdf.Add("<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 500/W[1[700] 16 19 600]/FontDescriptor<</Type/FontDescriptor/FontName/X/Flags 4>>>>");
            int font = pdf.Add($"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode {map} 0 R/DescendantFonts[{cid} 0 R]>>");
            int layer = pdf.Add("<</Type/OCG/Name(L)>>"), field = pdf.Add("<</Type/Annot/Subtype/Widget/FT/Ch/T(f)/V(a)/Opt[[(a)(Anna)]]/Rect[1 2 3 4]>>");
            pdf.Resources += $"/Font<</F 3 0 R/G {font} 0 R>>/XObject<</X {form} 0 R>>/Properties<</L {layer} 0 R>>";
            pdf.Set(1, $"<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[{layer} 0 R]/D<</OFF[{layer} 0 R]>>>>/AcroForm<</Fields[{field} 0 R]>>>>");
            yield return packed ? pdf.Pack(1, 3).Build() : pdf.Build();
        }
    }
}
