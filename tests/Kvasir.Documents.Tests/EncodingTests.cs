namespace Kvasir.Documents.Tests;

public class EncodingTests
{
    private static Document Read(string name, byte[] bytes) => Assert.Single(DocumentParser.Parse(name, bytes));

    private static byte[] In(string encoding, string text) =>
        (CodePagesEncodingProvider.Instance.GetEncoding(encoding) ?? Encoding.GetEncoding(encoding)).GetBytes(text);

    public static TheoryData<string> Texts => new(
        "The ferry to Arden leaves at nine.\nIt carries sixty cars.",
        "Der Bürgermeister heißt Jörg Müller.",
        "Паром отправляется в девять часов.\nКапитан живёт на острове.",
        "渡船九点开。船长住在岛上，名叫王平。\n票价是四百一十五元。",
        "フェリーは九時に出ます。船長は島に住んでいます。",
        "Ships 🚢🚢 leave at nine, and the harbour 🏝 sleeps.");

    [Theory]
    [MemberData(nameof(Texts))]
    public void Wide_encodings_are_known_without_a_mark(string text)
    {
        foreach (Encoding encoding in new Encoding[] { new UnicodeEncoding(false, false), new UnicodeEncoding(true, false),
            new UTF32Encoding(false, false), new UTF32Encoding(true, false) })
        {
            Document document = Read("a.txt", encoding.GetBytes(text));
            Assert.Equal(text, document.Text);
            Assert.Empty(document.Notes);
        }
    }

    [Fact]
    public void Binary_bytes_are_no_wide_text()
    {
        var random = new Random(3);
        for (int length = 3; length < 3000; length += 37)
        {
            byte[] bytes = new byte[length];
            random.NextBytes(bytes);
            bytes[length / 2] = 0;
            Assert.Throws<UnreadableDocumentException>(() => DocumentParser.Parse("a.txt", bytes));
        }
    }

    [Fact]
    public void One_bad_byte_costs_itself_and_is_told()
    {
        string line = "The annual fee of the harbour is 415 crowns. ";
        Document nul = Read("a.txt", [.. Encoding.UTF8.GetBytes(line), 0, .. Encoding.UTF8.GetBytes(line)]);
        Assert.Equal((line + line).TrimEnd(), nul.Text);
        Assert.Equal(["1 control character left out"], nul.Notes);
        Document torn = Read("a.txt", [.. Encoding.UTF8.GetBytes(line + "Grüße, "), 0xC3]);
        Assert.StartsWith(line + "Grüße", torn.Text, StringComparison.Ordinal);
        Assert.Equal(["1 damaged character"], torn.Notes);
        Document half = Read("a.txt", [.. new UnicodeEncoding(false, true).GetPreamble(), .. Encoding.Unicode.GetBytes(line), 0x41]);
        Assert.StartsWith(line, half.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_never_written_at_the_end_costs_nothing()
    {
        Document document = Read("a.txt", [.. "The ferry leaves at nine.\n"u8, .. new byte[512]]);
        Assert.Equal("The ferry leaves at nine.", document.Text);
        Assert.Equal(["512 control characters left out"], document.Notes);
        Assert.Equal("one", Read("a.jsonl", [.. "{\"text\":\"one\"}\n"u8, .. new byte[99]]).Text);
        Assert.Throws<UnreadableDocumentException>(() => DocumentParser.Parse("a.txt", new byte[512]));
    }

    [Fact]
    public void Only_ends_of_lines_end_records() =>
        Assert.Equal(["a b", "c d"],
            DocumentParser.Parse("a.jsonl", Encoding.UTF8.GetBytes("{\"text\":\"a\u2028b\"}\r\n{\"text\":\"c\u0085d\"}\n"))
                .Select(document => document.Text));

    /// <summary>A stray NUL makes no wide text of any text, wherever it stands.</summary>
    [Theory]
    [InlineData("The mayor is Greta Holm. The bridge opened in 1931.", "utf-8")]
    [InlineData("Öffnungszeiten: täglich von neun bis fünf, außer an Feiertagen.", "utf-8")]
    [InlineData("Мэр города — Иван Петров, его избрали в мае.", "utf-8")]
    [InlineData("渡船九点开。船长住在岛上，名叫王平。票价是四百一十五元。", "utf-8")]
    [InlineData("Der Bürgermeister heißt Jürgen Groß; der Brunnen ist von 1931.", "windows-1252")]
    public void One_nul_costs_itself(string text, string encoding)
    {
        for (int at = 0; at <= text.Length; at++)
            Assert.Equal(text, Read("a.txt", [.. In(encoding, text[..at]), 0, .. In(encoding, text[at..])]).Text);
    }

    [Fact]
    public void Western_text_of_one_byte_a_character_is_read_and_told()
    {
        Document document = Read("a.txt", In("windows-1252", "Der Bürgermeister heißt Jörg – seit „2011“."));
        Assert.Equal("Der Bürgermeister heißt Jörg – seit „2011“.", document.Text);
        Assert.Contains("Windows-1252", Assert.Single(document.Notes), StringComparison.Ordinal);
        Assert.Throws<UnreadableDocumentException>(() =>
            DocumentParser.Parse("a.txt", In("windows-1251", "Паром отправляется в девять часов.")));
    }

    [Fact]
    public void Text_holds_nothing_that_a_terminal_obeys() =>
        Assert.Equal("red [31m and co-operation of harbours in the northern sea",
            Read("a.txt", "red \u001b[31m and co-op\u00ADera\u00ADtion of harbours in the northern sea"u8.ToArray()).Text);

    [Theory]
    [InlineData("windows-1251", "windows-1251", "Паром отправляется в девять часов")]
    [InlineData("cp1251", "windows-1251", "Паром")]
    [InlineData("koi8-r", "koi8-r", "Капитан живёт на острове")]
    [InlineData("iso-8859-2", "iso-8859-2", "Żółty łódź")]
    [InlineData("ISO-8859-1", "windows-1252", "Müller – Groß")]
    [InlineData("iso-8859-9", "windows-1254", "İstanbul ığüş")]
    [InlineData("gb2312", "gb18030", "渡船九点开")]
    [InlineData("big5", "big5", "渡船九點開")]
    [InlineData("Shift_JIS", "shift_jis", "フェリーは九時に出ます")]
    [InlineData("euc-kr", "euc-kr", "여객선은 아홉 시에 떠난다")]
    [InlineData("iso-2022-jp", "iso-2022-jp", "フェリー")]
    [InlineData("macintosh", "macintosh", "Grüße")]
    public void Page_is_read_in_the_encoding_that_it_declares(string declared, string encoding, string text)
    {
        foreach (string head in new[] { $"<meta charset={declared}>",
            $"<META http-equiv='Content-Type' content='text/html; charset={declared}'>",
            $"<!-- <meta charset=\"utf-16\"> --><meta charset=\"{declared}\" />" })
        {
            Assert.Equal(text, Read("a.html", In(encoding, $"<html><head>{head}</head><body><p>{text}</p></body></html>")).Text);
        }

        Assert.Equal(
            text, Read(
            "a.xhtml", In(encoding, $"<?xml version=\"1.0\" encoding=\"{declared}\"?><html><body><p>{text}</p></body></html>")).Text);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("utf-16")]
    [InlineData("iso-8859-1")]
    [InlineData("utf-7")]
    [InlineData("big5")]
    public void Wrong_declaration_does_not_spoil_utf8(string declared) =>
        Assert.Equal("Müller grüßt – 東京 ſ€",
            Read("a.html", Encoding.UTF8.GetBytes($"<meta charset={declared}><p>Müller grüßt – 東京 ſ€</p>")).Text);

    [Fact]
    public void Page_that_is_not_the_utf8_it_declares_is_read_as_western() =>
        Assert.Equal("Müller grüßt alle", Read("a.html", In("windows-1252", "<meta charset=utf-8><p>Müller grüßt alle</p>")).Text);

    [Fact]
    public void Byte_order_mark_stands_above_the_declaration() =>
        Assert.Equal(
            "Müller",
            Read("a.html",
            [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("<meta charset=windows-1251><p>Müller</p>")]).Text);

    [Fact]
    public void Torn_last_line_of_json_costs_itself_and_is_told()
    {
        IReadOnlyList<Document> documents =
            DocumentParser.Parse("a.jsonl", "{\"text\":\"one\"}\n{\"text\":\"two\"}\n{\"text\":\"thr\n"u8.ToArray());
        Assert.Equal(["one", "two"], documents.Select(document => document.Text));
        Assert.Equal(["line 3, the last, is torn and left out"], documents.SelectMany(document => document.Notes));
    }
}
