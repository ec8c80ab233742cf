using System.Text.Json;
using Xunit;

namespace Kvasir.Tests;

/// <summary>Documents from the command line: ingest, ask, and the care of the store.</summary>
public sealed class DocumentCommandTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static string[] Models =>
        ["--model", SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), "--embedder", SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf")];

    private string[] Store => ["--store", _folder.Missing("store")];

    [SkippableFact]
    public void Question_is_answered_from_documents_whose_kv_is_reused()
    {
        string river = _folder.File("river.md", "# The Corwood\n\nThe river Corwood is 310 km long. It rises in the northern hills."u8);
        string ship = _folder.File("ship.txt", "The Silver Gull is a ship with 59 sailors."u8);
        JsonElement ingested = Invocation.Of(["ingest", river, ship, "--json", .. Models, .. Store]).IsDone().Json;
        Assert.Equal((2, 2), (ingested.GetProperty("documents").GetInt32(), ingested.GetProperty("chunks").GetInt32()));
        Assert.True(ingested.GetProperty("kvBytes").GetInt64() > 0);

        JsonElement answer = Invocation.Of(["ask", river, "How long is the river Corwood?", "--max-tokens", "12", "--json", .. Models, .. Store]).IsDone().Json;
        Assert.Equal(river, Assert.Single(answer.GetProperty("sources").EnumerateArray()).GetProperty("file").GetString());
        Assert.Equal(0, answer.GetProperty("tokens").GetProperty("recomputed").GetInt32());
        Assert.True(answer.GetProperty("tokens").GetProperty("reused").GetInt32() > 20);
        Assert.NotEqual("", answer.GetProperty("answer").GetString());

        JsonElement files = Invocation.Of(["store", "ls", "--json", .. Store]).IsDone().Json.GetProperty("files");
        Assert.Equal(2, files.GetArrayLength());
        Assert.True(Invocation.Of(["store", "verify", "--json", .. Models, .. Store]).IsDone().Json.GetProperty("sound").GetBoolean());
        Assert.Equal(1, Invocation.Of(["store", "rm", ship, "--json", .. Store]).IsDone().Json.GetProperty("removed").GetInt32());
        Assert.Equal(1, Invocation.Of(["store", "stats", "--json", .. Store]).IsDone().Json.GetProperty("files").GetInt32());
        Invocation.Of(["store", "rm", ship, .. Store]).IsRefused("ship.txt");
        Invocation.Of(["store", "gc", .. Store]).IsDone();
    }

    [SkippableFact]
    public void What_was_left_out_is_told_without_a_terminal_too()
    {
        _folder.File("notes.txt", "Some text."u8);
        _folder.File("photo.png", [1, 2]);
        _folder.File("scan.pdf", "%PDF-1.4"u8);
        string[] lines = Invocation.Of(["ingest", _folder.Path, .. Models, .. Store]).IsDone().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.StartsWith("1 documents", lines[0], StringComparison.Ordinal);
        Assert.Equal(["2 files left out:", "not a kind of document that is read:", _folder.Missing("photo.png"), "a PDF file without pages; it is damaged:", _folder.Missing("scan.pdf")], lines[1..]);
        JsonElement skipped = Invocation.Of(["ingest", _folder.Path, "--json", .. Models, .. Store]).IsDone().Json.GetProperty("skipped");
        Assert.Equal(["not a kind of document that is read", "a PDF file without pages; it is damaged"], skipped.EnumerateArray().Select(entry => entry.GetProperty("reason").GetString()));
    }

    [SkippableTheory]
    [InlineData("missing.txt", null)]
    [InlineData("latin1.txt", new byte[] { 0x63, 0xE9, 0x21 })]
    public void Document_that_cannot_be_read_is_refused(string name, byte[]? content)
    {
        string path = content is null ? _folder.Missing(name) : _folder.File(name, content);
        Invocation.Of(["ingest", path, .. Models, .. Store]).IsRefused(name);
        Invocation.Of(["ask", path, "What?", .. Models, .. Store]).IsRefused(name);
    }

    [SkippableFact]
    public void Question_longer_than_the_context_is_refused()
    {
        string document = _folder.File("text.txt", "Some text."u8);
        Invocation.Of(["ask", document, string.Concat(Enumerable.Repeat("why ", 9000)), .. Models, .. Store]).IsRefused("context");
    }

    [Fact]
    public void Question_that_was_forgotten_is_asked_for() =>
        Invocation.Of(["ask", _folder.File("notes.txt", "Some text."u8), .. Store]).IsRefused("question");

    [Theory]
    [InlineData("ls")]
    [InlineData("stats")]
    [InlineData("gc")]
    [InlineData("rm", "x")]
    public void Store_that_is_not_there_is_refused(params string[] verb) => Invocation.Of(["store", .. verb, .. Store]).IsRefused("store");

    public void Dispose() => _folder.Dispose();
}
