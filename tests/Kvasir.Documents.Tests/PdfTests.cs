using System.Text;
using Kvasir.Documents.Reading;

namespace Kvasir.Tests;

public class PdfTests
{
    private static Document Read(PdfBuilder pdf) => Assert.Single(DocumentReader.Parse("report.pdf", pdf.Build()));

    private static string Text(params string[] contents) => Read(PdfBuilder.Of(contents)).Text;

    private static string Refused(byte[] bytes) => Assert.Throws<UnreadableDocumentException>(() => DocumentReader.Parse("report.pdf", bytes)).Message;

    [Fact]
    public void Pages_come_in_order_and_lines_by_their_positions() =>
        Assert.Equal(
            "Heading\n\nFirst line\nsecond line\n\nNext paragraph\n\nPage two",
            Text(
                "BT /F 18 Tf 50 700 Td (Heading) Tj /F 10 Tf 0 -30 Td (First line) Tj 0 -12 Td (second line) Tj 0 -12 TD () Tj 0 -20 Td (Next paragraph) Tj ET",
                "BT /F 10 Tf 50 700 Td (Page two) Tj ET"));

    [Theory]
    [InlineData("(Hello world) Tj", "Hello world")]
    [InlineData("[(Hel) 20 (lo) -278 (world)] TJ", "Hello world")]
    [InlineData("(Hello) Tj 60 0 Td (world) Tj", "Hello world")]
    [InlineData("12 TL (Hello) Tj T* (world) Tj", "Hello\nworld")]
    [InlineData("12 TL (Hello) Tj (world) '", "Hello\nworld")]
    [InlineData("12 TL (Hello) Tj 0 0 (world) \"", "Hello\nworld")]
    [InlineData("(x) Tj 4 Ts (2) Tj 0 Ts ( y) Tj", "x2 y")]
    [InlineData("(a\\050b\\) \\\\ \\101\\\r\nz (in) ) Tj", "a(b) \\ Az (in)")]
    [InlineData("<48656C6C 6F2> Tj", "Hello")]
    [InlineData("5 Tc (wide) Tj 0 Tc", "wide")]
    [InlineData("(a) Tj BI /W 1 /H 1 ID x(Tj)EIy EI (b) Tj", "ab")]
    public void Operators_show_their_text(string operators, string text) => Assert.Equal(text, Text($"BT /F 10 Tf 50 700 Td {operators} ET"));

    [Fact]
    public void Full_lines_are_joined_and_hyphens_at_their_ends_taken_out() =>
        Assert.Equal(
            "This line is as wide as the column is and goes on here with a hyphenated word.\n- an item\n- another",
            Text("BT /F 10 Tf 12 TL 50 700 Td (This line is as wide as the column is) Tj T* (and goes on here with a hyphen-) Tj T* (ated word.) Tj T* (- an item) Tj T* (- another) Tj ET"));

    [Fact]
    public void Columns_drawn_one_after_the_other_stay_apart() =>
        Assert.Equal("left one\nleft two\n\nright one\nright two", Text("BT /F 10 Tf 12 TL 50 700 Td (left one) Tj T* (left two) Tj 1 0 0 1 300 700 Tm (right one) Tj T* (right two) Tj ET"));

    [Fact]
    public void Turned_and_scaled_text_is_read_along_its_baseline() =>
        Assert.Equal("up and up\nnext", Text("q .5 0 0 .5 0 0 cm BT /F 1 Tf 0 20 -20 0 100 100 Tm 1.2 TL (up and) Tj 3.3 0 Td (up) Tj -3.3 -1.2 Td (next) Tj ET Q"));

    [Theory]
    [InlineData("/Encoding/WinAnsiEncoding", "\u0093caf\u00e9\u0094 \u0080", "“café” €")]
    [InlineData("/Encoding/MacRomanEncoding", "\u00d2caf\u008e\u00d3", "“café”")]
    [InlineData("", "`x' \u00aaq\u00ba \u00ae", "‘x’ “q” fi")]
    [InlineData("/Encoding<</BaseEncoding/WinAnsiEncoding/Differences[65/alpha/eacute 90/uni20AC/f_i.alt/zcaron]>>", "ABZ\\\\C", "αé€žC")]
    public void Simple_fonts_are_read_by_their_encoding(string encoding, string shown, string text)
    {
        PdfBuilder pdf = PdfBuilder.Of($"BT /F 10 Tf 50 700 Td ({shown}) Tj ET").Set(3, $"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman{encoding}>>");
        Assert.Equal(text, Read(pdf).Text);
    }

    [Fact]
    public void Composite_fonts_are_read_by_their_unicode_map()
    {
        const string Map = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <0000><FFFF> endcodespacerange "
            + "2 beginbfchar <0001> <0048> <0002> <D83DDE00> endbfchar 2 beginbfrange <0010> <0013> <0061> <0020> <0021> [<006600660069> <65E5>] endbfrange endcmap";
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td <0001001000110013000200200021> Tj 60 0 Td <0001> Tj ET");
        int map = pdf.AddStream(PdfBuilder.Deflate(Encoding.Latin1.GetBytes(Map)), "/Filter/FlateDecode");
        pdf.Set(3, $"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode {map} 0 R/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/DW 500/W[1[700] 16 19 600]>>]>>");
        Assert.Equal("Habd😀ffi日 H", Read(pdf).Text);
    }

    [Fact]
    public void Widths_decide_whether_a_step_is_a_space()
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (mm) Tj 18 0 Td (m) Tj 9 0 Td (i) Tj 5 0 Td (i) Tj ET")
            .Set(3, "<</Type/Font/Subtype/TrueType/BaseFont/A/Encoding/WinAnsiEncoding/FirstChar 105/LastChar 109/Widths[250 0 0 0 900]>>");
        Assert.Equal("mmmi i", Read(pdf).Text);
    }

    [Fact]
    public void Filters_are_undone()
    {
        byte[] content = "BT /F 10 Tf 50 700 Td (filtered text, filtered text, filtered text) Tj ET"u8.ToArray();
        foreach ((string filter, byte[] bytes) in new[]
        {
            ("/FlateDecode", PdfBuilder.Deflate(content)),
            ("/ASCIIHexDecode", Encoding.Latin1.GetBytes(Convert.ToHexString(content) + ">")),
            ("[/ASCII85Decode/FlateDecode]", Ascii85(PdfBuilder.Deflate(content))),
            ("/RunLengthDecode", [.. content.Chunk(100).SelectMany(part => (byte[])[(byte)(part.Length - 1), .. part]), 128]),
            ("/LZWDecode", Lzw(content)),
        })
        {
            PdfBuilder pdf = PdfBuilder.Of("");
            int stream = pdf.AddStream(bytes, "/Filter" + filter);
            pdf.Set(2, "<</Type/Pages/Kids[4 0 R]/Resources<</Font<</F 3 0 R>>>>>>").Set(4, $"<</Type/Page/Contents[{stream} 0 R]>>");
            Assert.Equal("filtered text, filtered text, filtered text", Read(pdf).Text);
        }
    }

    [Fact]
    public void Objects_in_object_streams_are_found() =>
        Assert.Equal("packed", Read(PdfBuilder.Of("BT /F 10 Tf 50 700 Td (packed) Tj ET").Pack(1, 2, 3, 11)).Text);

    [Fact]
    public void Later_object_of_the_same_number_holds()
    {
        byte[] update = [.. PdfBuilder.Of("BT /F 10 Tf 50 700 Td (old) Tj ET").Build(), .. "10 0 obj\n<</Length 99>>\nstream\nBT /F 10 Tf 50 700 Td (new) Tj ET\nendstream\nendobj\n"u8];
        Assert.Equal("new", Assert.Single(DocumentReader.Parse("a.pdf", update)).Text);
    }

    [Fact]
    public void Forms_are_read_where_they_are_drawn_and_may_not_draw_themselves()
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (before) Tj ET /X Do BT 50 600 Td (after) Tj ET");
        int form = pdf.AddStream("BT /F 10 Tf 50 650 Td (inside) Tj ET /X Do"u8.ToArray(), "/Subtype/Form/Matrix[1 0 0 1 5 0]/Resources<</Font<</F 3 0 R>>/XObject<</X 12 0 R>>>>");
        Assert.Equal(12, form);
        pdf.Resources += "/XObject<</X 12 0 R>>";
        Assert.Equal("before\ninside\nafter", Read(pdf).Text);
    }

    [Theory]
    [InlineData("(My \\(own\\) title)", "My (own) title")]
    [InlineData("<FEFF00DC0062006500720020>", "Über")]
    [InlineData("()", "report")]
    public void Title_is_the_one_in_the_properties(string title, string expected)
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (x) Tj ET").Set(5, $"<</Title {title}>>");
        pdf.Trailer = "/Info 5 0 R";
        Assert.Equal(expected, Read(pdf).Title);
    }

    [Fact]
    public void Files_without_readable_text_are_refused_with_the_reason()
    {
        Assert.Equal("no text in it (scanned pages?)", Refused(PdfBuilder.Of("q 500 0 0 700 0 0 cm /Im Do Q").Build()));
        PdfBuilder encrypted = PdfBuilder.Of("BT (x) Tj ET");
        encrypted.Trailer = "/Encrypt 7 0 R";
        Assert.Equal("encrypted; save it without a password", Refused(encrypted.Build()));
        Assert.Equal("not a PDF file", Refused("just text"u8.ToArray()));
        Assert.Equal("a PDF file without pages; it is damaged", Refused("%PDF-1.4\n1 0 obj\n<</Type/Catalog>>"u8.ToArray()));
        PdfBuilder mute = PdfBuilder.Of("BT /F 10 Tf 50 700 Td <00010002> Tj ET").Set(3, "<</Subtype/Type0/Encoding/Identity-H>>");
        Assert.Equal("its fonts do not say which characters they show", Refused(mute.Build()));
    }

    [Fact]
    public void Damaged_files_are_read_as_far_as_they_go_or_refused()
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (some) Tj ET", "q /X Do Q BT /F 10 Tf [(text) 3] TJ ET");
        pdf.AddStream(PdfBuilder.Deflate("BT /F 10 Tf 50 650 Td (inside) Tj ET"u8.ToArray()), "/Subtype/Form/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 3>>");
        byte[] sound = pdf.Pack(1, 3).Build();
        var random = new Random(7);
        for (int i = 0; i < 3000; i++)
        {
            byte[] broken = i % 3 == 0 ? sound[random.Next(10)..random.Next(20, sound.Length)] : [.. sound];
            for (int hit = 0; hit <= i % 5; hit++)
            {
                broken[random.Next(broken.Length)] = (byte)(i % 2 == 0 ? random.Next(256) : "()<>[]/% 0123456789"[random.Next(19)]);
            }

            Exception? error = Record.Exception(() => DocumentReader.Parse("a.pdf", broken));
            Assert.True(error is null or UnreadableDocumentException, $"{i}: {error}");
        }
    }

    [Fact]
    public void Damage_to_one_object_costs_no_other()
    {
        Assert.Equal("text", Read(PdfBuilder.Of("BT /F 10 Tf 50 700 Td (text) Tj ET").Set(2, "<</Kids[(").Set(4, "<</A (not closed")).Text);
        byte[] whole = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (text) Tj ET").Build();
        Assert.Equal("text", Assert.Single(DocumentReader.Parse("a.pdf", whole[..whole.AsSpan().IndexOf("trailer"u8)])).Text);
    }

    [Fact]
    public void Nesting_loops_and_bombs_do_not_harm()
    {
        Assert.Equal("a PDF file nested too deeply", Refused(PdfBuilder.Of("").Set(4, new string('[', 1_000_000)).Build()));
        Assert.Equal("a PDF file nested too deeply", Refused(PdfBuilder.Of("").Set(4, string.Concat(Enumerable.Repeat("<</A", 100_000))).Build()));
        Assert.Equal("a PDF file nested too deeply", Refused(PdfBuilder.Of(new string('[', 1_000_000)).Build()));
        Assert.Equal("no text in it (scanned pages?)", Refused(PdfBuilder.Of("").Set(2, "<</Kids[2 0 R 2 0 R 4 0 R]>>").Set(4, "<</Kids[2 0 R] /Contents 4 0 R/Resources 5 0 R>>").Set(5, "6 0 R").Set(6, "5 0 R").Build())
            .Replace("a PDF file without pages; it is damaged", "no text in it (scanned pages?)", StringComparison.Ordinal));
        PdfBuilder bomb = PdfBuilder.Of("");
        int stream = bomb.AddStream(PdfBuilder.Deflate(PdfBuilder.Deflate(new byte[100 << 20])), "/Filter[/FlateDecode/FlateDecode]");
        bomb.Set(2, "<</Type/Pages/Kids[4 0 R]>>").Set(4, $"<</Type/Page/Contents[{stream} 0 R]>>");
        Assert.Equal("a part of it unpacks to an unreasonable size", Refused(bomb.Build()));
    }

    [Fact]
    public void Forms_that_draw_each_other_many_times_come_to_an_end()
    {
        PdfBuilder pdf = PdfBuilder.Of("/X Do");
        for (int i = 0; i < 9; i++)
        {
            pdf.AddStream(Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("/X Do ", 10))), $"/Subtype/Form/Resources<</XObject<</X {13 + i} 0 R>>>>");
        }

        pdf.Resources = "/XObject<</X 12 0 R>>";
        Assert.Equal("a PDF file that draws unreasonably many forms", Refused(pdf.Build()));
    }

    private static byte[] Ascii85(byte[] bytes)
    {
        var text = new StringBuilder();
        foreach (byte[] part in bytes.Chunk(4))
        {
            uint group = 0;
            for (int i = 0; i < 4; i++)
            {
                group = group << 8 | (i < part.Length ? part[i] : 0u);
            }

            char[] digits = new char[5];
            for (int i = 4; i >= 0; i--, group /= 85)
            {
                digits[i] = (char)('!' + group % 85);
            }

            text.Append(group == 0 && part.Length == 4 && digits.All(digit => digit == '!') ? "z" : new string(digits, 0, part.Length + 1));
        }

        return Encoding.Latin1.GetBytes(text + "~>");
    }

    private static byte[] Lzw(byte[] bytes)
    {
        var output = new List<byte>();
        int held = 0, bits = 0, width = 9;
        Dictionary<string, int> table = Enumerable.Range(0, 256).ToDictionary(code => ((char)code).ToString(), code => code);
        void Put(int code)
        {
            held = held << width | code;
            for (bits += width; bits >= 8; bits -= 8)
            {
                output.Add((byte)(held >> bits - 8));
            }

            held &= (1 << bits) - 1;
        }

        Put(256);
        string word = "";
        int next = 258;
        foreach (byte b in bytes)
        {
            if (table.ContainsKey(word + (char)b))
            {
                word += (char)b;
                continue;
            }

            Put(table[word]);
            table[word + (char)b] = next++;
            width = next + 0 > 511 ? 10 : 9;
            word = ((char)b).ToString();
        }

        Put(table[word]);
        Put(257);
        output.Add((byte)(held << 8 - bits));
        return [.. output];
    }
}
