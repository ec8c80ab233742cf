namespace Kvasir.Documents.Tests;

public class PdfTests
{
    /// <summary>A page of text, encrypted with AES-128 by a password.</summary>
    private const string Sealed =
        "JVBERi0xLjYKJb/3ov4KMSAwIG9iago8PCAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL0NvdW50IDEgL0tpZHMgWyAzIDAgUi"
        + "BdIC9UeXBlIC9QYWdlcyA+PgplbmRvYmoKMyAwIG9iago8PCAvQ29udGVudHMgNCAwIFIgL01lZGlhQm94IFsgMCAwIDMwMCAzMDAgXSAvUGFyZW50IDIgMCBSIC9SZXNv"
        + "dXJjZXMgPDwgL0ZvbnQgPDwgL0YgNSAwIFIgPj4gPj4gL1R5cGUgL1BhZ2UgPj4KZW5kb2JqCjQgMCBvYmoKPDwgL0ZpbHRlciAvRmxhdGVEZWNvZGUgL0xlbmd0aCA4MC"
        + "A+PgpzdHJlYW0KmyccJ3wopPaChBHhnXzs94AqQq49wM3jRC0eedcsfqyj6PHb4UVdU+q90Ioik17Se42TvU3PfOLmcB37VPzMn82bnQDe6lPcyUMpEfQz1lFlbmRzdHJl"
        + "YW0KZW5kb2JqCjUgMCBvYmoKPDwgL0Jhc2VGb250IC9IZWx2ZXRpY2EgL0VuY29kaW5nIC9XaW5BbnNpRW5jb2RpbmcgL1N1YnR5cGUgL1R5cGUxIC9UeXBlIC9Gb250ID"
        + "4+CmVuZG9iago2IDAgb2JqCjw8IC9DRiA8PCAvU3RkQ0YgPDwgL0F1dGhFdmVudCAvRG9jT3BlbiAvQ0ZNIC9BRVNWMiAvTGVuZ3RoIDE2ID4+ID4+IC9GaWx0ZXIgL1N0"
        + "YW5kYXJkIC9MZW5ndGggMTI4IC9PIDwwYmEzODM1Zjg4ZjkwMzg4ZTc0ZTU0NTg0MTI1Y2UxNDJiZTBkZTI0YzZiMGQzNzc0NmUwNzViODkxNzU2NjcxPiAvUCAtNCAvUi"
        + "A0IC9TdG1GIC9TdGRDRiAvU3RyRiAvU3RkQ0YgL1UgPGQ0OTAwYjk1ZGJkMDY5MmIyMzIyYTdjNzkwMTQyNmRhMDEyMjQ1NmE5MWJhZTUxMzQyNzNhNmRiMTM0Yzg3YzQ+"
        + "IC9WIDQgPj4KZW5kb2JqCnhyZWYKMCA3CjAwMDAwMDAwMDAgNjU1MzUgZiAKMDAwMDAwMDAxNSAwMDAwMCBuIAowMDAwMDAwMDY0IDAwMDAwIG4gCjAwMDAwMDAxMjMgMD"
        + "AwMDAgbiAKMDAwMDAwMDI1MCAwMDAwMCBuIAowMDAwMDAwNDAwIDAwMDAwIG4gCjAwMDAwMDA0OTcgMDAwMDAgbiAKdHJhaWxlciA8PCAvUm9vdCAxIDAgUiAvSUQgWzxh"
        + "YjEyM2ZmNWE4ODc3MzUwMzAyNDYwYjBhZGVjYjc0MT48OGJiMzZmMDI3Mzg5YWFmMzQxNzZiYTBiZmI4YzUwYTQ+XSAvRW5jcnlwdCA2IDAgUiA+PgpzdGFydHhyZWYKNz"
        + "k2CiUlRU9GCg==";

    private static Document Read(PdfBuilder pdf) => Assert.Single(DocumentParser.Parse("report.pdf", pdf.Build()));

    private static string Text(params string[] contents) => Read(PdfBuilder.Of(contents)).Text;

    private static string Refused(byte[] bytes) =>
        Assert.Throws<UnreadableDocumentException>(() => DocumentParser.Parse("report.pdf", bytes)).Message;

    [Fact]
    public void Pages_come_in_order_and_lines_by_their_positions() =>
        Assert.Equal(
            "Heading\n\nFirst line\nsecond line\n\nNext paragraph\n\nPage two",
            Text(
                "BT /F 18 Tf 50 700 Td (Heading) Tj /F 10 Tf 0 -30 Td (First line) Tj 0 -12 Td (second line) Tj 0 -12 TD () Tj 0 -20 Td "
                    + "(Next paragraph) Tj ET",
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
    public void Operators_show_their_text(string operators, string text) =>
        Assert.Equal(text, Text($"BT /F 10 Tf 50 700 Td {operators} ET"));

    [Fact]
    public void Full_lines_are_joined_and_hyphens_at_their_ends_taken_out() =>
        Assert.Equal(
            "This line is as wide as the column is and goes on here with a hyphenated word.\n- an item\n- another",
            Text("BT /F 10 Tf 12 TL 50 700 Td (This line is as wide as the column is) Tj T* (and goes on here with a hyphen-) Tj T* (ated "
                + "word.) Tj T* (- an item) Tj T* (- another) Tj ET"));

    [Fact]
    public void Columns_drawn_one_after_the_other_stay_apart() =>
        Assert.Equal("left one\nleft two\n\nright one\nright two",
            Text("BT /F 10 Tf 12 TL 50 700 Td (left one) Tj T* (left two) Tj 1 0 0 1 300 700 Tm (right one) Tj T* (right two) Tj ET"));

    [Fact]
    public void Text_in_columns_is_read_column_by_column_however_it_is_drawn()
    {
        string Rows(int count) => string.Concat(Enumerable.Range(0, count).Select(i =>
            $"1 0 0 1 50 {650 - (12 * i)} Tm (left {i} with some more words in the line) Tj 1 0 0 1 300 {651 - (12 * i)} Tm (right {i} "
                + "with some more words in the line) Tj "));
        string columns = "BT /F 10 Tf " + Rows(6)
            + "1 0 0 1 50 700 Tm (A title that goes over both of the columns from the left to the right) Tj "
            + "1 0 0 1 290 578 Tm (7) Tj 1 0 0 1 50 540 Tm (And a line below them that goes over both of the columns as well) Tj ET";
        string text = Text(columns).ReplaceLineEndings(" ");
        int[] places = [.. new[] { "A title", "left 0", "left 5", "right 0", "right 5", "And a line" }
            .Select(part => text.IndexOf(part, StringComparison.Ordinal))];
        Assert.Equal(places.Order(), places);
        Assert.DoesNotContain(-1, places);
    }

    [Fact]
    public void Marks_of_items_stay_with_their_text_in_columns()
    {
        string Items(int x, string name) => string.Concat(Enumerable.Range(0, 4).Select(i =>
            $"1 0 0 1 {x} {650 - (12 * i)} Tm (-) Tj 1 0 0 1 {x + 15} {650 - (12 * i)} Tm ({name} {i} with some more words in the "
                + "line) Tj "));
        Assert.StartsWith("- left 0 with some more words in the line\n- left 1",
            Text($"BT /F 10 Tf {Items(50, "left")} {Items(320, "right")} ET"), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_a_table_stay_rows() =>
        Assert.Equal("Lamp 15 red\nChair 20 blue\nTable 25 green",
            Text("BT /F 10 Tf " + string.Concat(new[] { "Lamp 15 red", "Chair 20 blue", "Table 25 green" }.Select((row, y) =>
            string.Concat(row.Split(' ').Select((cell, x) => $"1 0 0 1 {50 + (150 * x)} {700 - (12 * y)} Tm ({cell}) Tj ")))) + "ET"));

    [Fact]
    public void Lines_drawn_from_below_are_read_from_above() =>
        Assert.Equal("first line\nsecond line\nthird line",
            Text("BT /F 10 Tf 12 TL 50 676 Td (third line) Tj 0 12 Td (second line) Tj 0 12 Td (first line) Tj ET"));

    [Fact]
    public void Equal_letters_side_by_side_in_narrow_type_are_both_read() =>
        Assert.Equal("all filled", Text("BT /F 10 Tf 50 Tz 50 700 Td (all filled) Tj ET"));

    [Fact]
    public void Turned_and_scaled_text_is_read_along_its_baseline() =>
        Assert.Equal("up and up\nnext",
            Text("q .5 0 0 .5 0 0 cm BT /F 1 Tf 0 20 -20 0 100 100 Tm 1.2 TL (up and) Tj 3.3 0 Td (up) Tj -3.3 -1.2 Td (next) Tj ET Q"));

    [Theory]
    [InlineData("/Encoding/WinAnsiEncoding", "\u0093caf\u00e9\u0094 \u0080", "“café” €")]
    [InlineData("/Encoding/MacRomanEncoding", "\u00d2caf\u008e\u00d3", "“café”")]
    [InlineData("", "`x' \u00aaq\u00ba \u00ae", "‘x’ “q” fi")]
    [InlineData("/Encoding<</BaseEncoding/WinAnsiEncoding/Differences[65/alpha/eacute 90/uni20AC/f_i.alt/zcaron]>>", "ABZ\\\\C", "αé€žC")]
    public void Simple_fonts_are_read_by_their_encoding(string encoding, string shown, string text)
    {
        PdfBuilder pdf = PdfBuilder.Of($"BT /F 10 Tf 50 700 Td ({shown}) Tj ET")
            .Set(3, $"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman{encoding}>>");
        Assert.Equal(text, Read(pdf).Text);
    }

    [Fact]
    public void Composite_fonts_are_read_by_their_unicode_map()
    {
        const string Map =
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <0000><FFFF> endcodespacerange "
            + "2 beginbfchar <0001> <0048> <0002> <D83DDE00> endbfchar 2 beginbfrange <0010> <0013> <0061> <0020> <0021> [<006600660069> "
                + "<65E5>] endbfrange endcmap";
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td <0001001000110013000200200021> Tj 60 0 Td <0001> Tj ET");
        int map = pdf.AddStream(PdfBuilder.Deflate(Encoding.Latin1.GetBytes(Map)), "/Filter/FlateDecode");
        pdf.Set(3, $"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode {map} 0 R/DescendantFonts[5 0 R]>>")
            .Set(5, "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW "
                + "500/W[1[700] 16 19 600]/FontDescriptor 7 0 R>>")
            .Set(7, "<</Type/FontDescriptor/FontName/X/Flags 4>>");
        Assert.Equal("Habd😀ffi日 H", Read(pdf).Text);
    }

    [Fact]
    public void Widths_decide_whether_a_step_is_a_space()
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (mm) Tj 18 0 Td (m) Tj 9 0 Td (i) Tj 5 0 Td (i) Tj ET")
            .Set(3, "<</Type/Font/Subtype/TrueType/BaseFont/A/Encoding/WinAnsiEncoding/FirstChar 105/LastChar 109/Widths[250 0 0 0 "
                + "900]/FontDescriptor 7 0 R>>")
            .Set(7, "<</Type/FontDescriptor/FontName/A/Flags 32>>");
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
        byte[] update = [.. PdfBuilder.Of("BT /F 10 Tf 50 700 Td (old) Tj ET").Pack(1).Build(),
            .. "10 0 obj\n<</Length 99>>\nstream\nBT /F 10 Tf 50 700 Td (new) Tj ET\nendstream\nendobj\n"u8];
        Assert.Equal("new", Assert.Single(DocumentParser.Parse("a.pdf", update)).Text);
    }

    [Fact]
    public void Forms_are_read_where_they_are_drawn_and_may_not_draw_themselves()
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (before) Tj ET /X Do BT 50 600 Td (after) Tj ET");
        int form = pdf.AddStream(
            "BT /F 10 Tf 50 650 Td (inside) Tj ET /X Do"u8.ToArray(),
            "/Subtype/Form/Matrix[1 0 0 1 5 0]/Resources<</Font<</F 3 0 R>>/XObject<</X 12 0 R>>>>");
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
        Assert.Equal("encrypted; save it without a password", Refused(Convert.FromBase64String(Sealed)));
        Assert.Equal("not a PDF file", Refused("just text"u8.ToArray()));
        Assert.Equal("a PDF file without pages; it is damaged", Refused("%PDF-1.4\n1 0 obj\n<</Type/Catalog>>"u8.ToArray()));
        PdfBuilder mute = PdfBuilder.Of("BT /F 10 Tf 50 700 Td <00010002> Tj ET")
            .Set(3, "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[5 0 R]>>")
            .Set(5, "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement "
                + "0>>/FontDescriptor 7 0 R>>")
            .Set(7, "<</Type/FontDescriptor/FontName/X/Flags 4>>");
        Assert.Equal("page 1: its fonts do not say which characters they show", Refused(mute.Build()));
    }

    [Fact]
    public void Hidden_layers_are_left_out_with_their_forms_and_others_are_not()
    {
        PdfBuilder pdf = PdfBuilder.Of(
            "BT /F 10 Tf 50 700 Td (a) Tj /OC /L BDC (b) Tj /Span BMC (c) Tj EMC EMC /OC /M BDC (d) Tj EMC (e) Tj ET /X Do");
        int off = pdf.Add("<</Type/OCG/Name(same)>>"), on = pdf.Add("<</Type/OCG/Name(same)>>");
        int form = pdf.AddStream(
            "BT /F 10 Tf 50 650 Td (inside) Tj ET"u8.ToArray(), $"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/OC {off} 0 R");
        pdf.Resources += $"/XObject<</X {form} 0 R>>/Properties<</L {off} 0 R/M {on} 0 R>>";
        Assert.Equal(
            "a de", Read(pdf.Set(1, $"<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[{off} 0 R {on} 0 R]/D<</OFF[{off} 0 R]>>>>>>")).Text);
        Assert.Equal(
            "a de", Read(
            pdf.Set(1, $"<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[{off} 0 R {on} 0 R]/D<</BaseState/OFF/ON[{on} 0 R]>>>>>>")).Text);
        Assert.Equal("abcde\n\ninside",
            Read(pdf.Set(1, "<</Type/Catalog/Pages 2 0 R>>")).Text.Replace("\n\n", "\n", StringComparison.Ordinal)
            .Replace("\n", "\n\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/FT/Tx/V(Greta Holm)", "Name: Greta Holm")]
    [InlineData("/FT/Tx/V<FEFF00C40062>", "Name: Äb")]
    [InlineData("/Parent 7 0 R", "Name: from above")]
    [InlineData("/FT/Ch/V(b)/Opt[[(a)(Anna)][(b)(Bert)]]", "Name: Bert")]
    [InlineData("/FT/Ch/V[(a)(c)]/Opt[(a)(b)(c)]", "Name: a, c")]
    [InlineData("/FT/Btn/AS/Yes/V/Yes", "Name: [x]")]
    [InlineData("/FT/Btn/AS/Off", "Name: [ ]")]
    [InlineData("/FT/Btn/Ff 65536/MK<</CA(Send)>>", "Name:")]
    [InlineData("/FT/Tx/Ff 8192/V(secret)", "Name:")]
    [InlineData("/FT/Tx/F 2/V(hidden)", "Name:")]
    public void Form_values_stand_behind_their_labels(string field, string text)
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (Name:) Tj 0 -40 Td (after) Tj ET").Set(7, "<</FT/Tx/V(from above)>>");
        pdf.PageEntries = $"/Annots[<</Type/Annot/Subtype/Widget{field}/Rect[90 695 200 712]>>]";
        Assert.Equal($"{text}\n\nafter", Read(pdf).Text.Replace("\n\n", "\n", StringComparison.Ordinal)
            .Replace("\n", "\n\n", StringComparison.Ordinal));
    }

    [Fact]
    public void Free_text_on_a_page_is_read_and_other_notes_are_not()
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (text) Tj ET");
        pdf.PageEntries =
            "/Annots[<</Subtype/FreeText/Contents(added later)/Rect[50 600 200 612]>><</Subtype/Text/Contents(a comment)/Rect[0 0 9 9]>>]";
        Assert.Equal("text\n\nadded later", Read(pdf).Text.Replace("text\nadded", "text\n\nadded", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("(Total) Tj 1 0 0 1 50.4 700 Tm (Total) Tj 1 0 0 1 50 700.3 Tm (Total) Tj", "Total")]
    [InlineData("(all) Tj 1 0 0 1 50 688 Tm (all) Tj", "all\nall")]
    [InlineData("(llll) Tj", "llll")]
    [InlineData("(Sum) Tj 1 0 0 1 80 700 Tm (Sum) Tj", "Sum Sum")]
    public void Text_drawn_twice_at_one_place_is_read_once(string operators, string text) =>
        Assert.Equal(text, Text($"BT /F 10 Tf 1 0 0 1 50 700 Tm {operators} ET"));

    [Fact]
    public void Replacement_text_stands_for_what_is_drawn() =>
        Assert.Equal("see the final word",
            Text("BT /F 10 Tf 50 700 Td (see the ) Tj /Span <</ActualText(final)>> BDC (f#nal) Tj EMC ( word) Tj ET"));

    [Fact]
    public void Unicode_maps_that_say_nothing_leave_it_to_the_encoding()
    {
        const string Map =
            "1 begincodespacerange <00><FF> endcodespacerange 3 beginbfchar <01> <0000> <02> <E000> <41> <0042> endbfchar 1 beginbfrange "
                + "<03> <04> <0000> endbfrange";
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (di\\001erent \\002eld A \\003\\004) Tj ET");
        int map = pdf.AddStream(Encoding.Latin1.GetBytes(Map));
        pdf.Set(3,
            "<</Type/Font/Subtype/TrueType/BaseFont/A/FirstChar 1/LastChar "
            + $"122/Widths[{string.Join(' ', Enumerable.Repeat(500, 122))}]/FontDescriptor 7 0 "
            + $"R/Encoding<</BaseEncoding/WinAnsiEncoding/Differences[1/ff/f_i/u1F600/g99]>>/ToUnicode {map} 0 R>>")
            .Set(7, "<</Type/FontDescriptor/FontName/A/Flags 32>>");
        Assert.Equal("different field B 😀", Read(pdf).Text);
    }

    [Fact]
    public void Page_of_mostly_unknown_characters_is_said()
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (plain) Tj ET", "BT /G 10 Tf 50 700 Td (\\001\\002\\003\\004a) Tj ET");
        pdf.Set(5, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Differences[1/g1/g2/g3/g4]>>>>");
        pdf.Resources = "/Font<</F 3 0 R/G 5 0 R>>";
        Document document = Read(pdf);
        Assert.Equal(("plain", "page 2: its fonts do not say which characters they show"), (document.Text, Assert.Single(document.Notes)));
    }

    [Fact]
    public void Files_that_are_cut_or_point_to_wrong_places_are_read()
    {
        byte[] whole = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (first) Tj ET", "BT /F 10 Tf 50 700 Td (second) Tj ET").Build();
        string text = Encoding.Latin1.GetString(whole);
        byte[][] broken =
        [
            whole[..text.IndexOf("xref", StringComparison.Ordinal)],
            Encoding.Latin1.GetBytes(text.Replace(" 00000 n", "7 00000 n", StringComparison.Ordinal)),
            Encoding.Latin1.GetBytes(text.Replace("startxref\n", "startxref\n7", StringComparison.Ordinal)),
            Encoding.Latin1.GetBytes(text.Replace("/Root 1 0 R", "/Root 77 0 R", StringComparison.Ordinal)),
            Encoding.Latin1.GetBytes(text.Replace("/Kids[", "/Kid[", StringComparison.Ordinal)),
            Encoding.Latin1.GetBytes(text.Replace("1 0 obj\n<</Type/Catalog", "junk", StringComparison.Ordinal)),
            [.. "mail header\n\n"u8, .. whole],
        ];
        Assert.All(broken, (bytes, i) =>
            Assert.Equal($"{i} first\n\nsecond",
                $"{i} {(Record.Exception(() => DocumentParser.Parse("a.pdf", bytes))?.Message ?? Assert.Single(DocumentParser.Parse("a.pdf", bytes)).Text)}"));
        Assert.Equal(
            "first", Assert.Single(DocumentParser.Parse("a.pdf", whole[..text.IndexOf("12 0 obj", StringComparison.Ordinal)])).Text);
    }

    [Fact]
    public void Page_that_is_cut_is_read_up_to_there()
    {
        PdfBuilder pdf = PdfBuilder.Of("");
        int stream = pdf.AddStream(
            Encoding.Latin1.GetBytes(
                string.Concat(Enumerable.Range(0, 30).Select(i => $"BT /F 10 Tf 50 {700 - 12 * i} Td (line {i}) Tj ET "))));
        pdf.Resources = $"/Font<</F {stream + 1} 0 R>>";
        byte[] whole = OnePage(pdf, $"{stream} 0 R").Set(stream + 1, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>").Build();
        foreach (string at in new[] { "BT /F 10 Tf 50 460", "(line 20)", "ne 20)" })
        {
            int cut = Encoding.Latin1.GetString(whole).IndexOf(at, StringComparison.Ordinal);
            Assert.Equal(string.Join('\n', Enumerable.Range(0, 20).Select(i => $"line {i}")),
                Assert.Single(DocumentParser.Parse("a.pdf", whole[..cut])).Text);
        }
    }

    [Fact]
    public void Broken_stream_is_read_up_to_its_break()
    {
        string lines = string.Concat(Enumerable.Range(0, 90).Select(i => $"0 -6 Td (word {i * 7919 % 1000}) Tj "));
        using var packed = new MemoryStream();
        using var zlib = new System.IO.Compression.ZLibStream(packed, System.IO.Compression.CompressionMode.Compress);
        zlib.Write(Encoding.Latin1.GetBytes($"BT /F 10 Tf 50 700 Td {lines} ET "));
        zlib.Flush();
        PdfBuilder pdf = PdfBuilder.Of("");
        int stream = pdf.AddStream([.. packed.ToArray(), 0xFF, 0xFF], "/Filter/FlateDecode");
        string text = Read(OnePage(pdf, $"{stream} 0 R")).Text;
        Assert.StartsWith("word 0\nword 919\n", text, StringComparison.Ordinal);
        Assert.EndsWith("word 791", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_there_costs_no_other_part_of_a_page()
    {
        PdfBuilder pdf = PdfBuilder.Of("");
        int stream = pdf.AddStream("BT /F 10 Tf 50 700 Td (known) Tj /G 10 Tf ( and unknown) Tj ET"u8.ToArray());
        pdf.Resources = "/Font<</F 3 0 R/G 77 0 R>>";
        Assert.Equal("known and unknown", Read(OnePage(pdf, $"[78 0 R {stream} 0 R]")).Text);
    }

    [Theory]
    [InlineData("", "title page")]
    [InlineData("/CropBox[40 600 600 800]", "title")]
    [InlineData("/CropBox[40 600 600 800]/Rotate 90", "title")]
    [InlineData("/CropBox[0 0 0 0]", "title page beside")]
    public void Text_beside_the_page_is_left_out(string entries, string text)
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (title) Tj 0 -600 Td (page) Tj 0 -300 Td (beside) Tj ET");
        pdf.PageEntries = entries;
        Assert.Equal(text, WhiteSpace.Collapse(Read(pdf).Text));
    }

    [Fact]
    public void Hostile_unicode_maps_cost_little()
    {
        string ranges = string.Concat(Enumerable.Repeat("<00000000> <FFFFFFFF> <0041> ", 1000))
            + $"<0001> <FFFE> <{new string('4', 1 << 20)}>";
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (text) Tj ET");
        int map = pdf.AddStream(
            PdfBuilder.Deflate(
            Encoding.Latin1.GetBytes($"1 begincodespacerange <00><FF> endcodespacerange 9999 beginbfrange {ranges} endbfrange")),
            "/Filter/FlateDecode");
        pdf.Set(3, $"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode {map} 0 R>>");
        Assert.Equal("text", SharedReader.Text("a.pdf", pdf.Build()));
    }

    [Fact]
    public void Damaged_files_are_read_as_far_as_they_go_or_refused()
    {
        PdfBuilder pdf = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (some) Tj ET", "q /X Do Q BT /F 10 Tf [(text) 3] TJ ET");
        pdf.AddStream(PdfBuilder.Deflate("BT /F 10 Tf 50 650 Td (inside) Tj ET"u8.ToArray()),
            "/Subtype/Form/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 3>>");
        byte[] sound = pdf.Pack(1, 3).Build();
        var random = new Random(7);
        for (int i = 0; i < 3000; i++)
        {
            byte[] broken = i % 3 == 0 ? sound[random.Next(10)..random.Next(20, sound.Length)] : [.. sound];
            for (int hit = 0; hit <= i % 5; hit++)
            {
                broken[random.Next(broken.Length)] = (byte)(i % 2 == 0 ? random.Next(256) : "()<>[]/% 0123456789"[random.Next(19)]);
            }

            Exception? error = Record.Exception(() => DocumentParser.Parse("a.pdf", broken));
            Assert.True(error is null or UnreadableDocumentException, $"{i}: {error}");
        }
    }

    [Fact]
    public void Damage_to_one_object_costs_no_other()
    {
        Assert.Equal("text", Read(PdfBuilder.Of("BT /F 10 Tf 50 700 Td (text) Tj ET").Set(2, "<</Kids[(").Set(4, "<</A (not closed")).Text);
        byte[] whole = PdfBuilder.Of("BT /F 10 Tf 50 700 Td (text) Tj ET").Build();
        Assert.Equal("text", Assert.Single(DocumentParser.Parse("a.pdf", whole[..whole.AsSpan().IndexOf("trailer"u8)])).Text);
    }

    [Fact]
    public void Nesting_loops_and_bombs_do_not_harm()
    {
        Assert.Equal("a PDF file nested too deeply", Refused(PdfBuilder.Of("").Set(3, new string('[', 1_000_000)).Build()));
        Assert.Equal("a PDF file nested too deeply",
            Refused(PdfBuilder.Of("").Set(3, string.Concat(Enumerable.Repeat("<</A", 100_000))).Build()));
        Assert.Equal("a PDF file nested too deeply", Refused(PdfBuilder.Of(new string('[', 1_000_000)).Build()));
        Assert.Equal("no text in it (scanned pages?)",
            Refused(PdfBuilder.Of("").Set(2, "<</Kids[2 0 R 2 0 R 4 0 R]>>").Set(4, "<</Kids[2 0 R] /Contents 4 0 R/Resources 5 0 R>>")
            .Set(5, "6 0 R").Set(6, "5 0 R").Build())
            .Replace("a PDF file without pages; it is damaged", "no text in it (scanned pages?)", StringComparison.Ordinal));
        PdfBuilder bomb = PdfBuilder.Of("");
        int stream = bomb.AddStream(PdfBuilder.Deflate(PdfBuilder.Deflate(new byte[300 << 20])), "/Filter[/FlateDecode/FlateDecode]");
        bomb.Set(2, "<</Type/Pages/Kids[4 0 R]>>").Set(4, $"<</Type/Page/Contents[{stream} 0 R]>>");
        Assert.EndsWith("MiB of memory to read", SharedReader.Refused("a.pdf", bomb.Build()), StringComparison.Ordinal);
    }

    [Fact]
    public void Forms_that_draw_each_other_many_times_come_to_an_end()
    {
        PdfBuilder pdf = PdfBuilder.Of("/X Do");
        for (int i = 0; i < 9; i++)
        {
            pdf.AddStream(Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("/X Do ", 10))),
                $"/Subtype/Form/Resources<</XObject<</X {13 + i} 0 R>>>>");
        }

        pdf.Resources = "/XObject<</X 12 0 R>>";
        Assert.StartsWith("it takes", SharedReader.Refused("a.pdf", pdf.Build()), StringComparison.Ordinal);
    }

    /// <summary>A file of one page of the given contents, which stands before them.</summary>
    private static PdfBuilder OnePage(PdfBuilder pdf, string contents) =>
        pdf.Set(2, "<</Type/Pages/Count 1/Kids[4 0 R]>>")
            .Set(4, $"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<<{pdf.Resources}>>/Contents {contents}>>");

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
