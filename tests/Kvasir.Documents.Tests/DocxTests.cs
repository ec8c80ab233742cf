using System.IO.Compression;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Wordprocessing;

namespace Kvasir.Documents.Tests;

public class DocxTests
{
    private const string Namespace =
        "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" "
            + "xmlns:mc=\"http://schemas.openxmlformats.org/markup-compatibility/2006\"";

    private static readonly (string Name, string Kind)[] s_parts =
        [("h1", "header"), ("h2", "header"), ("h3", "header"), ("h4", "header"), ("f1", "footer"), ("styles", "styles"),
            ("numbering", "numbering"), ("comments", "comments"), ("settings", "settings")];

    private static Kvasir.Documents.Reading.Document Read(byte[] bytes) => Assert.Single(DocumentParser.Parse("letter.docx", bytes));

    private static string Refused(byte[] bytes) =>
        Assert.Throws<UnreadableDocumentException>(() => DocumentParser.Parse("letter.docx", bytes)).Message;

    /// <summary>A document with what such documents have, to be broken.</summary>
    internal static byte[] Sample() =>
        Word("Title", Styled("Heading1", "The plan"), Item(2, 0, "measure"), new Table(Row("Name", "Age"), Row("Ann", "7")), Plain("End."));

    [Fact]
    public void Headings_paragraphs_lists_and_tables_are_text()
    {
        Kvasir.Documents.Reading.Document document = Read(Word(
            Styled("Heading1", "The plan"),
            Plain("First ", "paragraph."),
            Item(1, 0, "apples"), Item(1, 0, "pears"),
            Plain("Steps:"),
            Item(2, 0, "measure"), Item(2, 1, "width"), Item(2, 1, "height"), Item(2, 0, "cut"),
            new Table(Row("Name", "Age"), Row("Ann", "7")),
            Plain("End.")));
        Assert.Equal("The plan", document.Title);
        Assert.Equal(
            "The plan\n\nFirst paragraph.\n\n- apples\n- pears\n\nSteps:\n\n1. measure\n  1.a) width\n  1.b) height\n2. cut\n\nName | "
                + "Age\nAnn | 7\n\nEnd.",
            document.Text);
    }

    [Fact]
    public void Title_is_the_one_in_the_properties_else_the_first_heading_else_the_file_name()
    {
        Assert.Equal("Given", Read(Word("Given", Styled("Heading1", "Head"))).Title);
        Assert.Equal("Head", Read(Word(Plain("before"), Styled("Heading1", "Head"))).Title);
        Assert.Equal("letter", Read(Word(Plain("text"))).Title);
    }

    [Fact]
    public void What_a_reader_does_not_see_is_left_out()
    {
        string body = """
            <w:p><w:r><w:t xml:space="preserve">kept </w:t></w:r><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:ins><w:r><w:t>added</w:t></w:r></w:ins>
            <w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom><w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:tab/><w:t>tab</w:t><w:br/><w:t>line</w:t><w:noBreakHyphen/><w:t>x</w:t></w:r></w:p>
            <w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:p><w:r><w:t>old box</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent></w:r><w:r><w:t>around</w:t></w:r></w:p>
            """;
        Assert.Equal("kept added tab\nline-x\n\nbox\n\naround",
            Read(Package($"<w:document {Namespace}><w:body>{body}</w:body></w:document>")).Text);
    }

    [Fact]
    public void Cells_of_inner_tables_stay_in_their_cell()
    {
        var inner = new TableCell(new Table(Row("a", "b")), Plain("c"));
        Assert.Equal("a b c | d", Read(Word(new Table(new TableRow(inner, new TableCell(Plain("d")))))).Text);
    }

    [Fact]
    public void Lists_that_follow_each_other_stay_apart() =>
        Assert.Equal("- a\n\n1. b\n  1.a) c\n2. d", Read(Word(Item(1, 0, "a"), Item(2, 0, "b"), Item(2, 1, "c"), Item(2, 0, "d"))).Text);

    [Fact]
    public void Footnotes_come_last()
    {
        using var memory = new MemoryStream();
        using (WordprocessingDocument package = New(memory, null, [Plain("Text.")]))
        {
            package.MainDocumentPart!.AddNewPart<FootnotesPart>().Footnotes = new Footnotes(new Footnote(Plain("The note.")) { Id = 1 });
        }

        Assert.Equal("Text.\n\nThe note.", Read(memory.ToArray()).Text);
    }

    [Fact]
    public void Broken_files_are_refused_wherever_they_are_cut_or_changed()
    {
        byte[] sound = Word(Styled("Heading1", "The plan"), Item(2, 0, "measure"));
        var random = new Random(5);
        for (int i = 0; i < 200; i++)
        {
            byte[] broken = i % 2 == 0 ? sound[..random.Next(1, sound.Length)] : [.. sound];
            for (int hit = 0; hit < i % 7; hit++)
            {
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            }

            Exception? error = Record.Exception(() => DocumentParser.Parse("a.docx", broken));
            Assert.True(error is null or UnreadableDocumentException, error?.ToString());
        }

        Assert.Contains("not a readable Word document", Refused(sound[..(sound.Length / 2)]), StringComparison.Ordinal);
        Assert.Contains("not a readable Word document", Refused("just text"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("password", Refused([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1]), StringComparison.Ordinal);
        Assert.Equal("it has no text", Refused(Word()));
    }

    [Fact]
    public void File_that_unpacks_to_far_more_is_refused()
    {
        byte[] bomb = Package($"<w:document {Namespace}>", writer =>
        {
            byte[] letters = new byte[1 << 20];
            letters.AsSpan().Fill((byte)'a');
            writer.Write("<w:body><w:p><w:r><w:t>"u8);
            for (int i = 0; i <= 256; i++)
            {
                writer.Write(letters);
            }
        });
        Assert.True(bomb.Length < 1 << 20);
        Assert.EndsWith("MiB of memory to read", SharedReader.Refused("a.docx", bomb), StringComparison.Ordinal);
    }

    [Fact]
    public void Deep_nesting_and_entities_do_not_harm()
    {
        string deep = string.Concat(Enumerable.Repeat("<w:sdt>", 100_000)) + "<w:p><w:r><w:t>deep</w:t></w:r></w:p>"
            + string.Concat(Enumerable.Repeat("</w:sdt>", 100_000));
        Assert.Equal("deep", Read(Package($"<w:document {Namespace}><w:body>{deep}</w:body></w:document>")).Text);
        string deeper = string.Concat(Enumerable.Repeat("<w:p>", 2_000_000)) + string.Concat(Enumerable.Repeat("</w:p>", 2_000_000));
        Assert.EndsWith("MiB of memory to read",
            SharedReader.Refused("a.docx", Package($"<w:document {Namespace}><w:body>{deeper}</w:body></w:document>")),
            StringComparison.Ordinal);
        Assert.Contains("not a readable",
            Refused(Package(
            "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><w:document "
            + $"{Namespace}><w:body><w:p><w:r><w:t>&a;</w:t></w:r></w:p></w:body></w:document>")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(20_000)]
    public void Long_chains_of_parts_do_not_overflow_the_stack(int parts)
    {
        string Chain(int next) =>
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r\" "
                + "Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/subDocument\" "
                + $"Target=\"p{next}.xml\"/></Relationships>";
        byte[] bytes = Package(
            $"<w:document {Namespace}><w:body><w:p><w:r><w:t>text</w:t></w:r></w:p></w:body></w:document>",
            more: zip =>
            {
                Entry(zip, "word/_rels/document.xml.rels", Chain(0));
                for (int i = 0; i < parts; i++)
                {
                    Entry(zip, $"word/p{i}.xml", "<x/>");
                    Entry(zip, $"word/_rels/p{i}.xml.rels", Chain(i + 1));
                }
            });
        Assert.Equal("text", SharedReader.Text("a.docx", bytes));
    }

    [Fact]
    public void Headers_and_footers_that_are_used_are_text_once()
    {
        string sections = string.Concat(
            new[] { "header:h1", "header:h2", "header:h3", "footer:f1" }
            .Select(part => $"<w:{part[..6]}Reference w:type=\"default\" r:id=\"{part[7..]}\"/>"));
        byte[] bytes =
            Package(Document(
                $"<w:p><w:r><w:t>Body.</w:t></w:r></w:p><w:p><w:pPr><w:sectPr>{sections}</w:sectPr></w:pPr></w:p><w:sectPr>{sections}</w:sectPr>"), more: zip =>
        {
            Entry(zip, "word/_rels/document.xml.rels", Relationships("header", "h1", "h2", "h3", "h4")
                .Replace("</Relationships>",
                Relationships(
                "footer", "f1")["<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">".Length..],
                StringComparison.Ordinal));
            foreach ((string name, string text) in new[] { ("h1", "Reference 47"), ("h2", "Reference 47"), ("h3", "Other page"),
                ("h4", "Unused") })
            {
                Entry(zip, $"word/{name}.xml", $"<w:hdr {Namespace}><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:hdr>");
            }

            Entry(zip, "word/f1.xml", $"<w:ftr {Namespace}><w:p><w:r><w:t>Confidential</w:t></w:r></w:p></w:ftr>");
        });
        Assert.Equal("Reference 47\n\nOther page\n\nBody.\n\nConfidential", Read(bytes).Text);
    }

    [Theory]
    [InlineData("", "", "Usual\n\nBody.")]
    [InlineData("<w:titlePg/>", "", "Beginning\n\nUsual\n\nBody.")]
    [InlineData("<w:titlePg w:val=\"0\"/>", "<w:evenAndOddHeaders/>", "Usual\n\nLeft side\n\nBody.")]
    public void Headers_of_first_and_even_pages_are_text_where_such_pages_have_their_own(string section, string settings, string text)
    {
        (string Type, string Part, string Text)[] headers =
            [("first", "h1", "Beginning"), ("default", "h2", "Usual"), ("even", "h3", "Left side")];
        string references = string.Concat(
            headers.Select(header => $"<w:headerReference w:type=\"{header.Type}\" r:id=\"{header.Part}\"/>"));
        byte[] bytes = Package(Document($"<w:p><w:r><w:t>Body.</w:t></w:r></w:p><w:sectPr>{references}{section}</w:sectPr>"), more: zip =>
        {
            Entry(zip, "word/_rels/document.xml.rels", Relationships("header", "h1", "h2", "h3")
                .Replace("</Relationships>", Relationships("settings", "settings").Split('>', 2)[1], StringComparison.Ordinal));
            Entry(zip, "word/settings.xml", $"<w:settings {Namespace}>{settings}</w:settings>");
            foreach ((_, string part, string shown) in headers)
                Entry(zip, $"word/{part}.xml", $"<w:hdr {Namespace}><w:p><w:r><w:t>{shown}</w:t></w:r></w:p></w:hdr>");
        });
        Assert.Equal(text, Read(bytes).Text);
    }

    [Fact]
    public void Fields_are_what_they_show_and_not_what_they_are_computed_from()
    {
        string mark(string type) => $"<w:r><w:fldChar w:fldCharType=\"{type}\"/></w:r>";
        string run(string text) => $"<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r>";
        string inner = mark("begin") + "<w:r><w:instrText>NUMPAGES</w:instrText></w:r>" + mark("separate") + run("3") + mark("end");
        string outer = mark("begin") + "<w:r><w:instrText>=</w:instrText></w:r>" + inner + "<w:r><w:instrText>-1</w:instrText></w:r>"
            + mark("separate") + run("2") + mark("end");
        string contents = $"<w:p>{mark("begin")}<w:r><w:instrText>TOC</w:instrText></w:r>{mark("separate")}{run("Ferry ")}{inner}</w:p>"
            + $"<w:p>{run("Tram ")}{inner}{mark("end")}{run(" end")}</w:p>";
        Assert.Equal("2 pages\n\nFerry 3\n\nTram 3 end", Read(Package(Document($"<w:p>{outer}{run(" pages")}</w:p>{contents}"))).Text);
    }

    [Theory]
    [InlineData("<w:sym w:font=\"Symbol\" w:char=\"F062\"/>", "β")]
    [InlineData("<w:sym w:font=\"Symbol\" w:char=\"00A3\"/>", "≤")]
    [InlineData("<w:sym w:font=\"Wingdings\" w:char=\"F0FC\"/>", "✓")]
    [InlineData("<w:sym w:font=\"Arial\" w:char=\"00E9\"/>", "é")]
    [InlineData("<w:sym w:font=\"Webdings\" w:char=\"F021\"/><w:sym w:char=\"D800\"/><w:sym w:font=\"Symbol\"/>", "")]
    [InlineData("<w:fldChar w:fldCharType=\"begin\"><w:ffData><w:checkBox><w:default w:val=\"0\"/><w:checked/></w:checkBox></w:ffData>"
        + "</w:fldChar><w:instrText>FORMCHECKBOX</w:instrText><w:fldChar w:fldCharType=\"end\"/>", "☒")]
    [InlineData("<w:fldChar w:fldCharType=\"begin\"><w:ffData><w:checkBox><w:default w:val=\"1\"/><w:checked w:val=\"0\"/></w:checkBox>"
        + "</w:ffData></w:fldChar><w:fldChar w:fldCharType=\"end\"/>", "☐")]
    public void Symbols_and_boxes_are_what_they_look_like(string run, string shown) =>
        Assert.Equal($"a{shown}z", Read(Package(Document($"<w:p><w:r><w:t>a</w:t></w:r><w:r>{run}</w:r><w:r><w:t>z</w:t></w:r></w:p>"))).Text);

    [Fact]
    public void Styles_of_headings_take_their_list_from_the_style_below_and_have_levels_of_their_own()
    {
        string style(string id, string properties) => $"<w:style w:styleId=\"{id}\"><w:name w:val=\"{id}\"/>{properties}</w:style>";
        byte[] bytes = Package(Document(string.Concat(new[] { "One", "Two", "Two", "One", "Two" }.Select(id =>
            $"<w:p><w:pPr><w:pStyle w:val=\"{id}\"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>"))), more: zip =>
        {
            Entry(zip, "word/_rels/document.xml.rels", Relationships("numbering", "numbering")
                .Replace("</Relationships>", Relationships("styles", "styles").Split('>', 2)[1], StringComparison.Ordinal));
            Entry(zip, "word/numbering.xml", $"<w:numbering {Namespace}><w:abstractNum w:abstractNumId=\"0\">"
                + "<w:lvl w:ilvl=\"0\"><w:lvlText w:val=\"%1\"/></w:lvl><w:lvl w:ilvl=\"1\"><w:lvlText w:val=\"%1.%2\"/></w:lvl>"
                + "</w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>");
            Entry(zip, "word/styles.xml", $"<w:styles {Namespace}>"
                + style("One", "<w:pPr><w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr>")
                + style("Two", "<w:basedOn w:val=\"One\"/><w:pPr><w:numPr><w:ilvl w:val=\"1\"/></w:numPr></w:pPr>") + "</w:styles>");
        });
        Assert.Equal(["1 x", "1.1 x", "1.2 x", "2 x", "2.1 x"],
            Read(bytes).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim()));
    }

    [Fact]
    public void Hidden_text_is_left_out_whether_a_run_or_a_style_hides_it()
    {
        string run(string properties, string text) => $"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text} </w:t></w:r>";
        string body = "<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr>" + run("", "seen") + run("<w:vanish/>", "no")
            + run("<w:vanish w:val=\"0\"/>", "too")
            + run("<w:rStyle w:val=\"Secret\"/>", "no") + run("<w:rStyle w:val=\"Secret\"/><w:vanish w:val=\"false\"/>", "also")
                + run("<w:b/>", "end") + "</w:p><w:p><w:pPr><w:pStyle w:val=\"Deeper\"/></w:pPr>" + run("", "no") + "</w:p>";
        string styles =
            $"<w:styles {Namespace}><w:style w:styleId=\"Secret\"><w:rPr><w:vanish/></w:rPr></w:style><w:style "
                + "w:styleId=\"Deeper\"><w:basedOn w:val=\"Secret\"/></w:style></w:styles>";
        byte[] bytes = Package(Document(body), more: zip =>
        {
            Entry(zip, "word/_rels/document.xml.rels", Relationships("styles", "styles"));
            Entry(zip, "word/styles.xml", styles);
        });
        Assert.Equal("seen too also end", Read(bytes).Text);
    }

    [Fact]
    public void Lists_of_one_definition_count_on_and_start_anew_where_they_say_so()
    {
        string level(int number, string format, string text, string more = "") =>
            $"<w:lvl w:ilvl=\"{number}\"><w:start w:val=\"1\"/><w:numFmt w:val=\"{format}\"/>{more}<w:lvlText w:val=\"{text}\"/></w:lvl>";
        string numbering =
            $"<w:numbering {Namespace}><w:abstractNum "
                + $"w:abstractNumId=\"0\">{level(0, "decimal", "%1.")}{level(1, "lowerRoman", "%1.%2")}</w:abstractNum>"
            + "<w:abstractNum "
                + $"w:abstractNumId=\"1\">{level(0, "upperLetter", "%1)")}{level(1, "decimal", "%1%2", "<w:lvlRestart w:val=\"0\"/>")}</w:abstractNum>"
            + "<w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"0\"/></w:num>"
            + "<w:num w:numId=\"3\"><w:abstractNumId w:val=\"0\"/><w:lvlOverride w:ilvl=\"0\"><w:startOverride "
                + "w:val=\"8\"/></w:lvlOverride></w:num>"
            + "<w:num w:numId=\"4\"><w:abstractNumId w:val=\"0\"/><w:lvlOverride "
                + $"w:ilvl=\"0\">{level(0, "decimal", "Step %1:")}</w:lvlOverride></w:num>"
            + "<w:num w:numId=\"5\"><w:abstractNumId w:val=\"1\"/></w:num></w:numbering>";
        (int List, int Level)[] items =
            [(1, 0), (1, 1), (1, 1), (1, 0), (2, 0), (2, 1), (3, 0), (3, 0), (4, 0), (5, 0), (5, 1), (5, 0), (5, 1)];
        string body = string.Concat(
            items.Select(item =>
            $"<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{item.Level}\"/><w:numId "
            + $"w:val=\"{item.List}\"/></w:numPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p>"));
        byte[] bytes = Package(Document(body), more: zip =>
        {
            Entry(zip, "word/_rels/document.xml.rels", Relationships("numbering", "numbering"));
            Entry(zip, "word/numbering.xml", numbering);
        });
        Assert.Equal(
            ["1.", "1.i", "1.ii", "2.", "3.", "3.i", "8.", "9.", "Step 10:", "A)", "A1", "B)", "B2"],
            Read(bytes).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim()[..^2]));
    }

    [Fact]
    public void Comments_are_read_on_request()
    {
        byte[] bytes = Package(Document("<w:p><w:r><w:t>Body.</w:t></w:r></w:p>"), more: zip =>
        {
            Entry(zip, "word/_rels/document.xml.rels", Relationships("comments", "comments"));
            Entry(zip, "word/comments.xml",
                $"<w:comments {Namespace}><w:comment w:id=\"0\" w:author=\"Greta\"><w:p><w:r><w:t>Too "
                + "short?</w:t></w:r></w:p></w:comment></w:comments>");
        });
        Assert.Equal("Body.", Read(bytes).Text);
        Assert.Equal("Body.\n\nComment by Greta: Too short?", Assert.Single(DocumentParser.Parse("a.docx", bytes, comments: true)).Text);
    }

    [Fact]
    public void Merged_cells_belong_to_each_of_their_rows_and_deleted_rows_to_none()
    {
        string cell(string text, string properties = "") =>
            $"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>";
        string table =
            $"<w:tr>{cell("Kind")}{cell("Item")}{cell("Price")}</w:tr><w:tr>{cell("Light", "<w:vMerge w:val=\"restart\"/>")}{cell("Lamp")}{cell("15")}</w:tr><w:tr>{cell("", "<w:vMerge/>")}{cell("Torch")}{cell("9")}</w:tr>"
            + $"<w:tr><w:trPr><w:del/></w:trPr>{cell("gone")}</w:tr><w:tr>{cell("all sold out", "<w:gridSpan w:val=\"2\"/>")}{cell("0")}</w:tr>";
        Assert.Equal("Kind | Item | Price\nLight | Lamp | 15\nLight | Torch | 9\nall sold out | 0",
            Read(Package(Document($"<w:tbl>{table}</w:tbl>"))).Text);
        string rows = string.Concat(Enumerable.Range(1, 40).Select(i => $"<w:tr>{cell($"Port {i}")}{cell($"Keeper {i}")}</w:tr>"));
        string large =
            Read(Package(
                Document($"<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>{cell("Harbour")}{cell("Keeper")}</w:tr>{rows}</w:tbl>"))).Text;
        Assert.StartsWith("Harbour: Port 1\nKeeper: Keeper 1\n\nHarbour: Port 2\n", large, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_boxes_are_text_once()
    {
        string box = "<w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent>";
        string body =
            "<w:p><w:r><w:t>Around it.</w:t></w:r><w:r><mc:AlternateContent><mc:Choice "
                + $"Requires=\"wps\">{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>";
        Assert.Equal("In a box.\n\nAround it.", Read(Package(Document(body))).Text);
    }

    private static string Document(string body) =>
        $"<w:document {Namespace} "
            + $"xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><w:body>{body}</w:body></w:document>";

    private static string Relationships(string kind = "", params string[] parts) =>
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">" + string.Concat(parts.Select(part =>
            $"<Relationship Id=\"{part}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" "
                + $"Target=\"{part}.xml\"/>")) + "</Relationships>";

    private static byte[] Word(params OpenXmlElement[] blocks) => Word(null, blocks);

    private static byte[] Word(string? title, params OpenXmlElement[] blocks)
    {
        using var memory = new MemoryStream();
        New(memory, title, blocks).Dispose();
        return memory.ToArray();
    }

    private static WordprocessingDocument New(MemoryStream memory, string? title, OpenXmlElement[] blocks)
    {
        WordprocessingDocument package = WordprocessingDocument.Create(memory, WordprocessingDocumentType.Document);
        package.PackageProperties.Title = title;
        MainDocumentPart main = package.AddMainDocumentPart();
        main.Document = new DocumentFormat.OpenXml.Wordprocessing.Document(new Body(blocks));
        main.AddNewPart<StyleDefinitionsPart>().Styles =
            new Styles(new Style(new StyleName { Val = "heading 1" }) { Type = StyleValues.Paragraph, StyleId = "Heading1" });
        var bullets = new AbstractNum(
            new Level(new NumberingFormat { Val = NumberFormatValues.Bullet },
            new LevelText { Val = "\uF0B7" })
            { LevelIndex = 0 })
        { AbstractNumberId = 5 };
        var first = new Level(new StartNumberingValue { Val = 1 }, new NumberingFormat { Val = NumberFormatValues.Decimal },
            new LevelText { Val = "%1." })
        { LevelIndex = 0 };
        var second = new Level(new NumberingFormat { Val = NumberFormatValues.LowerLetter },
            new LevelText { Val = "%1.%2)" })
        { LevelIndex = 1 };
        var numbers = new AbstractNum(first, second) { AbstractNumberId = 6 };
        main.AddNewPart<NumberingDefinitionsPart>().Numbering = new Numbering(
            bullets, numbers, new NumberingInstance(new AbstractNumId { Val = 5 }) { NumberID = 1 },
                new NumberingInstance(new AbstractNumId { Val = 6 }) { NumberID = 2 });
        return package;
    }

    private static Paragraph Plain(params string[] runs) =>
        new(runs.Select(text => new Run(new Text(text) { Space = SpaceProcessingModeValues.Preserve })));

    private static Paragraph Styled(string style, string text) =>
        new(new ParagraphProperties(new ParagraphStyleId { Val = style }), new Run(new Text(text)));

    private static Paragraph Item(int list, int level, string text) =>
        new(new ParagraphProperties(new NumberingProperties(new NumberingLevelReference { Val = level }, new NumberingId { Val = list })),
            new Run(new Text(text)));

    private static TableRow Row(params string[] cells) => new(cells.Select(cell => new TableCell(Plain(cell))));

    /// <summary>A package put together by hand, for what the library would not write.</summary>
    private static byte[] Package(string document, Action<Stream>? padding = null, Action<ZipArchive>? more = null)
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            Entry(zip, "[Content_Types].xml",
                "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" "
                + "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" "
                + "ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>"
                + string.Concat(s_parts.Select(part =>
                $"<Override PartName=\"/word/{part.Name}.xml\" "
                + $"ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.{part.Kind}+xml\"/>")) + "</Types>");
            Entry(zip, "_rels/.rels",
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r\" "
                + "Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" "
                + "Target=\"word/document.xml\"/></Relationships>");
            more?.Invoke(zip);
            using Stream entry = zip.CreateEntry("word/document.xml").Open();
            entry.Write(Encoding.UTF8.GetBytes(document));
            padding?.Invoke(entry);
        }

        return memory.ToArray();
    }

    private static void Entry(ZipArchive zip, string name, string content)
    {
        using Stream entry = zip.CreateEntry(name, CompressionLevel.Fastest).Open();
        entry.Write(Encoding.UTF8.GetBytes(content));
    }
}
