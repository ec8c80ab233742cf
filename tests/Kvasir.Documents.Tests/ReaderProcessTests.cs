namespace Kvasir.Documents.Tests;

/// <summary>What becomes of a document whose reader takes too much or dies, and of the documents behind it.</summary>
public class ReaderProcessTests
{
    private const string BrokeOff = "its reader broke off: it is damaged, or made to exhaust memory or stack";

    /// <summary>A reader that is a shell script.</summary>
    private static DocumentReader Scripted(string script, double seconds = 1000) =>
        new(() => new ReaderProcess(new ProcessStartInfo("/bin/sh", ["-c", script]), TimeSpan.FromSeconds(seconds)));

    private static string Refused(DocumentReader reader) =>
        Assert.Throws<UnreadableDocumentException>(() => reader.Read("a.md", "text"u8.ToArray())).Message;

    [Fact]
    public void Documents_come_through_one_process_as_they_are_read_without_it()
    {
        using var reader = new DocumentReader();
        var documents = new (string Name, string Content)[]
        {
            ("a.md", "# Grüße\n\n" + new string('日', 100_000)), ("b.html", "<title>T</title><p>x<p>&#x1F600; \u202E"),
                ("c.csv", "a,b\n1,2\n"), ("d.jsonl", "{\"id\":\"x\",\"text\":\"one\"}\n{\"text\":\"two\"}\n{\"te"),
            ("e.pdf", Encoding.Latin1.GetString(PdfBuilder.Of("BT /F 10 Tf 50 700 Td (text) Tj ET", "BT /F 10 Tf (").Build())),
                ("f.txt", "plain"),
        };
        foreach ((string name, string content) in documents.Concat(documents))
        {
            byte[] bytes = name == "e.pdf" ? Encoding.Latin1.GetBytes(content) : Encoding.UTF8.GetBytes(content);
            IReadOnlyList<Document> expected = DocumentParser.Parse(name, bytes), read = reader.Read(name, bytes);
            Assert.Equal(expected.Select(document => (document.Id, document.Title, document.Text, string.Join('|', document.Notes))),
                read.Select(document => (document.Id, document.Title, document.Text, string.Join('|', document.Notes))));
        }

        Assert.Equal("not a PDF file",
            Assert.Throws<UnreadableDocumentException>(() => reader.Read("a.pdf", "nothing"u8.ToArray())).Message);
        Assert.Equal("it has no text",
            Assert.Throws<UnreadableDocumentException>(() => reader.Read("a.md", "<!-- -->"u8.ToArray())).Message);
    }

    [Fact]
    public void Documents_are_read_where_there_is_no_reader_program()
    {
        using var reader = new DocumentReader(() => null);
        Assert.Equal("text", Assert.Single(reader.Read("a.md", "*text*"u8.ToArray())).Text);
    }

    [Fact]
    public void Small_document_is_read_behind_a_large_one()
    {
        using var reader = new DocumentReader();
        byte[] large = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("<p>word</p>", 400_000)));
        for (int i = 0; i < 1; i++)
        {
            Assert.Equal(2_399_998, Assert.Single(reader.Read("a.html", large)).Text.Length);
            Assert.Equal("text", Assert.Single(reader.Read("a.md", "*text*"u8.ToArray())).Text);
        }
    }

    [SkippableTheory]
    [InlineData("exec sleep 1000")]
    [InlineData("while :; do :; done")]
    [InlineData("printf '\\0\\001'; exec sleep 1000")]
    public void Reader_that_runs_on_is_killed_and_the_next_document_has_another(string script)
    {
        Skip.If(OperatingSystem.IsWindows());
        using var folder = new TemporaryFolder();
        string pids = folder.Sub("pids");
        using (DocumentReader reader = Scripted($"echo $$ >>'{pids}'; {script}", seconds: 0.2))
        {
            Assert.Equal("it takes longer than 0 s to read", Refused(reader));
            Assert.Equal("it takes longer than 0 s to read", Refused(reader));
        }

        string[] lines = File.ReadAllLines(pids);
        Assert.Equal(2, lines.Distinct().Count());
        Assert.All(lines, pid => Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{pid}"), 30_000)));
    }

    [SkippableTheory]
    [InlineData("exit 3")]
    [InlineData("kill -9 $$")]
    [InlineData("head -c 1 >/dev/null; kill -SEGV $$")]
    [InlineData("printf '\\0\\011half'")]
    [InlineData("printf '\\0\\0\\0\\002\\0\\0\\0\\001n'")]
    [InlineData("echo error >&2; yes error | head -c 1000000 >&2")]
    public void Reader_that_dies_makes_its_document_unreadable_and_no_other(string script)
    {
        Skip.If(OperatingSystem.IsWindows());
        using DocumentReader reader = Scripted(script);
        Assert.Equal(BrokeOff, Refused(reader));
        Assert.Equal(BrokeOff, Refused(reader));
    }

    [SkippableFact]
    public void Cancelling_stops_it_soon()
    {
        Skip.If(OperatingSystem.IsWindows());
        using DocumentReader reader = Scripted("exec sleep 1000");
        using var cancellation = new CancellationTokenSource(50);
        long start = Stopwatch.GetTimestamp();
        Assert.ThrowsAny<OperationCanceledException>(() => reader.Read("a.md", "text"u8.ToArray(), cancellation: cancellation.Token));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 30);
    }

    [SkippableFact]
    public void Reader_outlives_signals_and_ends_with_its_input_in_the_middle_of_a_document()
    {
        Skip.If(OperatingSystem.IsWindows());
        ProcessStartInfo start = ReaderProcess.Program()!;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        using var requests = new BinaryWriter(process.StandardInput.BaseStream);
        Ask("text"u8.ToArray());
        Assert.Equal(0, process.StandardOutput.Read());
        Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
        Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit();
        Assert.False(process.WaitForExit(200));

        // It would take hours.
        Ask(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("[a](", 1 << 20))));
        requests.Close();
        Assert.True(process.WaitForExit(30_000));

        void Ask(byte[] bytes)
        {
            requests.Write("a.md");
            requests.Write(false);
            requests.Write(bytes.Length);
            requests.Write(bytes);
            requests.Flush();
        }
    }

    [Fact]
    public void What_takes_all_memory_ends_its_reader_only()
    {
        // A long heading that each row repeats.
        byte[] table = Encoding.UTF8.GetBytes(
            $"<table><tr><th>{new string('h', 500_000)}</th></tr>" + string.Concat(Enumerable.Repeat("<tr><td>x</td></tr>", 10_000)));
        Assert.EndsWith("MiB of memory to read", SharedReader.Refused("a.html", table), StringComparison.Ordinal);
        Assert.Equal("text", SharedReader.Text("a.md", "*text*"u8.ToArray()));
    }

    [Theory]
    [InlineData("line 3:\u202Eno\r\u001B[31mname")]
    [InlineData("xxxxx")]
    public void Errors_are_one_line_without_control_characters(string name)
    {
        string reason = Assert.Throws<UnreadableDocumentException>(() =>
            DocumentParser.Parse("a.jsonl",
                Encoding.UTF8.GetBytes(
                $"{{\"id\":\"{JsonEncode(name)}\",\"text\":\"t\"}}\n{{\"id\":\"{JsonEncode(name)}\",\"text\":\"t\"}}"))).Message;
        Assert.DoesNotContain(reason, c => char.IsControl(c) || c == '\u202E');
        Assert.InRange(reason.Length, 1, 400);

        static string JsonEncode(string text) =>
            string.Concat(Enumerable.Repeat(text, 500).SelectMany(part => part).Select(c => $"\\u{(int)c:x4}"));
    }
}
