namespace Kvasir.Documents.Tests;

public class ReadingTests
{
    private static Document Read(string name, string content) => Assert.Single(DocumentParser.Parse(name, Encoding.UTF8.GetBytes(content)));

    private static string Refused(string name, byte[] content) =>
        Assert.Throws<UnreadableDocumentException>(() => DocumentParser.Parse(name, content)).Message;

    [Fact]
    public void Text_loses_its_byte_order_mark_and_carriage_returns()
    {
        Document document = Read("notes.txt", "\uFEFFone\r\ntwo\r\n");
        Assert.Equal("one\ntwo", document.Text);
        Assert.Equal("notes", document.Title);
    }

    [Fact]
    public void Markdown_keeps_structure_and_loses_markup()
    {
        Document document = Read("a.md", """
            ---
            tags: x
            ---
            # The *title*

            Some **bold** text with [a link](http://example.org) and `code`,
            on two lines. ![picture](p.png) A&amp;B <b>raw</b>

            - first
            - second
              - inner

            3. third

            | Name | Age |
            |------|-----|
            | Ann  | 7   |

            ```c
            int  x;

            int y;
            ```

            > quoted
            """);
        Assert.Equal("The title", document.Title);
        Assert.Equal(
            "tags: x\n\nThe title\n\nSome bold text with a link and code, on two lines. picture A&B raw\n\n- first\n- second\n  - "
                + "inner\n\n3. third\n\nName | Age\nAnn | 7\n\nint  x;\n\nint y;\n\nquoted",
            document.Text);
    }

    [Fact]
    public void Html_keeps_what_is_seen()
    {
        Document document = Read("a.html", """
            <html><head><title> My  page </title><style>p{}</style></head><body><nav>Home</nav><script>var x;</script>
            <h1>Head</h1><p>One <b>bold</b>
               word&nbsp;&amp; more.<br>Next line</p><ul><li>a</li><li>b <i>c</i></li></ul>
            <table><tr><th>N</th><th>V</th></tr><tr><td>x</td><td>1</td></tr></table><pre>  a
              b</pre></body></html>
            """);
        Assert.Equal("My page", document.Title);
        Assert.Equal("Head two", Read("b.html", "<p>a</p><h1>Head <i>two</i></h1><p>b</p>").Title);
        Assert.Equal("c", Read("c.html", "plain").Title);
        Assert.Equal("Head\n\nOne bold word & more.\nNext line\n\n- a\n- b c\n\nN | V\nx | 1\n\n  a\n  b", document.Text);
    }

    [Fact]
    public void Deeply_nested_input_does_not_overflow_the_stack()
    {
        Assert.Equal("deep", OnSmallStack(() => Read("a.html", string.Concat(Enumerable.Repeat("<div>", 3000)) + "<h1>deep</h1>").Title));
        Assert.EndsWith("deep", Read("a.md", new string('>', 5000) + "deep").Text, StringComparison.Ordinal);
        Assert.Contains("deep", Read("b.md", new string('[', 5000) + "deep" + new string('*', 5000)).Text, StringComparison.Ordinal);
    }

    private static string OnSmallStack(Func<string> read)
    {
        string result = "";
        var thread = new Thread(() => result = read(), 160 << 10);
        thread.Start();
        thread.Join();
        return result;
    }

    [Fact]
    public void Json_lines_are_documents()
    {
        IReadOnlyList<Document> documents =
            DocumentParser.Parse("a.jsonl",
                "{\"id\":\"x\",\"title\":\"T\",\"text\":\"one\"}\n\n{\"id\":7,\"text\":\"two\"}\n{\"text\":\"three\"}"u8.ToArray());
        Assert.Equal([new Document("x", "T", "one"), new Document("7", "7", "two"), new Document("4", "4", "three")], documents);
    }

    [Theory]
    [InlineData("{\"id\":1", "line 1: not valid JSON")]
    [InlineData("{\"text\":\"a\"}\n{\"text\":\n{\"text\":\"b\"}", "line 2: not valid JSON")]
    [InlineData("{\"text\":\"a\"}\n}\n{\"text\":\"b\"}", "line 2: not valid JSON")]
    [InlineData("{\"text\":\"a\"}\n[1]", "line 2: not a JSON object")]
    [InlineData("{\"title\":\"a\"}", "line 1: no \"text\" string")]
    [InlineData("{\"id\":1,\"text\":\"a\"}\n{\"id\":1,\"text\":\"b\"}", "line 2: the id '1' stands twice")]
    [InlineData("{\"text\":\"\\ud800\"}", "line 1: not valid JSON")]
    public void Bad_json_lines_are_refused_by_line(string content, string reason) =>
        Assert.Equal(reason, Refused("a.jsonl", Encoding.UTF8.GetBytes(content)));

    [Fact]
    public void Deeply_nested_json_is_refused() =>
        Assert.Contains("not valid JSON", Refused("a.jsonl", Encoding.UTF8.GetBytes(new string('[', 100_000))), StringComparison.Ordinal);

    [Fact]
    public void Files_without_usable_text_are_refused_with_the_reason()
    {
        Assert.Equal("the file is empty", Refused("a.txt", []));
        Assert.Equal("it has no text", Refused("a.txt", " \n\t"u8.ToArray()));
        Assert.Equal("it has no text", Refused("a.html", "<script>x</script>"u8.ToArray()));
        Assert.Equal("a binary file, not text", Refused("a.txt", [65, 0, 66]));
        Assert.Equal("not UTF-8 text (byte 1); convert it to UTF-8", Refused("a.txt", [65, 0xE4, 66]));
    }

    [Fact]
    public void Utf16_text_with_a_byte_order_mark_is_read()
    {
        byte[] Marked(Encoding encoding, string text) => [.. encoding.Preamble, .. encoding.GetBytes(text)];
        foreach (Encoding encoding in new[] { Encoding.Unicode, Encoding.BigEndianUnicode })
        {
            Assert.Equal("Grüße\n日本", Assert.Single(DocumentParser.Parse("a.txt", Marked(encoding, "Grüße\r\n日本"))).Text);
            Assert.Equal("not UTF-16 text (byte 2); convert it to UTF-8", Refused("a.txt", [.. Marked(encoding, "a"), 0xD8]));
        }

        Assert.Equal("Grüße 日本", Assert.Single(DocumentParser.Parse("a.txt", Marked(Encoding.UTF32, "Grüße 日本"))).Text);
    }

    [Theory]
    [InlineData("src/Program.cs", "Program.cs")]
    [InlineData("Dockerfile", "Dockerfile")]
    [InlineData("deep/CMakeLists.txt", "CMakeLists.txt")]
    [InlineData("query.SQL", "query.SQL")]
    public void Source_code_is_kept_as_it_is_and_titled_by_its_whole_name(string path, string title)
    {
        Assert.Equal(DocumentKind.SourceCode, DocumentKinds.Of(path));
        Assert.Equal(new Document(null, title, "  if (a<b)\n\n\n    *x*"), Read(path, "  if (a<b)\n\n\n    *x*\n"));
    }

    [Fact]
    public void Folder_gives_known_kinds_in_order_and_a_reason_for_the_rest()
    {
        using var folder = new TemporaryFolder();
        folder.File("notes-2024", "Text without an extension.");
        File.WriteAllBytes(folder.Sub("program"), [0x7F, .. "ELF"u8, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
        foreach (string name in new[] { "b.md", "sub/a.txt", "c.zip", ".git/d.txt", "node_modules/e.js", "app/app.csproj", "app/bin/f.json",
            "other/bin/g.sh", "rust/Cargo.toml", "rust/target/h.rs" })
        {
            folder.File(name, "x");
        }

        Directory.CreateSymbolicLink(folder.Sub("sub/loop"), folder.Path);
        FoundFiles found = FoundFiles.Under([folder.Path, folder.Sub("b.md")]);
        Assert.Equal(["b.md", "notes-2024", "app/app.csproj", "other/bin/g.sh", "rust/Cargo.toml", "sub/a.txt"],
            found.Files.Select(file => Path.GetRelativePath(folder.Path, file.Path)));
        Assert.Equal(
            [(".git", "hidden"), ("c.zip", "not a kind"), ("node_modules", "a folder of installed"), ("program", "not a kind"),
                ("app/bin", "a folder of build"), ("rust/target", "a folder of build"), ("sub/loop", "a linked folder")],
            found.Skipped.Select(skipped => (Path.GetRelativePath(folder.Path, skipped.Path), skipped.Reason)), new ByBeginning());
    }

    private sealed class ByBeginning : IEqualityComparer<(string Path, string Reason)>
    {
        public bool Equals((string Path, string Reason) x, (string Path, string Reason) y) =>
            x.Path == y.Path && y.Reason.StartsWith(x.Reason, StringComparison.Ordinal);

        public int GetHashCode((string Path, string Reason) obj) => 0;
    }

    [Fact]
    public void Folder_of_packages_is_read_where_it_is_named_itself()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("node_modules/readme.md", "x");
        Assert.Equal(path, Assert.Single(FoundFiles.Under([folder.Sub("node_modules")]).Files).Path);
    }

    [Fact]
    public void Missing_path_is_named() =>
        Assert.Contains("nowhere.txt: no such file", Assert.Throws<InvalidInputException>(() => FoundFiles.Under(["nowhere.txt"])).Message,
            StringComparison.Ordinal);
}
