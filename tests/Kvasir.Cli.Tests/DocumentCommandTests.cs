using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Kvasir.Cli.Tests;

/// <summary>Documents from the command line: ingest, ask, and the care of the store.</summary>
public sealed class DocumentCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string[] Models =>
        ["--model", SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), "--embedder",
            SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf")];

    private string[] Store => ["--store", _folder.Sub("store")];

    [SkippableFact]
    public void Question_is_answered_from_documents_whose_kv_is_reused()
    {
        string river = _folder.File("river.md", "# The Corwood\n\nThe river Corwood is 310 km long. It rises in the northern hills."u8);
        string ship = _folder.File("ship.txt", "The Silver Gull is a ship with 59 sailors."u8);
        JsonElement ingested = Invocation.Of(["ingest", river, ship, "--json", .. Models, .. Store]).IsDone().Json;
        Assert.Equal((2, 2), (ingested.GetProperty("documents").GetInt32(), ingested.GetProperty("chunks").GetInt32()));
        Assert.True(ingested.GetProperty("kvBytes").GetInt64() > 0);

        JsonElement answer = Invocation.Of(
            ["ask", river, "How long is the river Corwood?", "--max-tokens", "12", "--json", .. Models, .. Store]).IsDone().Json;
        Assert.Equal(river, Assert.Single(answer.GetProperty("sources").EnumerateArray()).GetProperty("file").GetString());
        Assert.Equal(0, answer.GetProperty("tokens").GetProperty("recomputed").GetInt32());
        Assert.True(answer.GetProperty("wallMs").GetDouble() > answer.GetProperty("ttftMs").GetDouble());
        Assert.True(answer.GetProperty("tokens").GetProperty("reused").GetInt32() > 20);
        Assert.NotEqual("", answer.GetProperty("answer").GetString());

        JsonElement files = Invocation.Of(["store", "ls", "--json", .. Store]).IsDone().Json.GetProperty("files");
        Assert.Equal(2, files.GetArrayLength());
        Assert.True(Invocation.Of(["store", "verify", "--json", .. Models, .. Store]).IsDone().Json.GetProperty("sound").GetBoolean());
        Assert.Equal(1, Invocation.Of(["store", "rm", ship, "--json", .. Store]).IsDone().Json.GetProperty("removed").GetInt32());
        Assert.Equal(1, Invocation.Of(["store", "stats", "--json", .. Store]).IsDone().Json.GetProperty("files").GetInt32());
        Invocation.Of(["store", "rm", ship, .. Store]).IsRefused("ship.txt");
        Invocation.Of(["store", "gc", .. Store]).IsDone();
        string copy = _folder.Sub("copy.db");
        long bytes = Invocation.Of(["store", "backup", copy, "--json", .. Store]).IsDone().Json.GetProperty("bytes").GetInt64();
        Assert.Equal(new FileInfo(copy).Length, bytes);
        JsonElement repaired = Invocation.Of(["store", "repair", "--json", .. Store]).IsDone().Json;
        Assert.Equal((1, 0), (repaired.GetProperty("files").GetInt32(), repaired.GetProperty("lost").GetArrayLength()));
        Assert.Equal(0, repaired.GetProperty("unreadable").GetInt32());
        File.WriteAllText(Path.Combine(Store[1], "store.db"), "no database");
        Invocation.Of(["store", "ls", .. Store]).IsRefused("store repair");
        Assert.Equal(1, Invocation.Of(["store", "repair", .. Store]).Code);
    }

    [SkippableFact]
    public void Verifying_names_the_command_that_mends_what_it_found()
    {
        string note = _folder.File("note.txt", "The ferry leaves at nine."u8);
        Invocation.Of(["ingest", note, .. Models, .. Store]).IsDone();
        Run("DELETE FROM words_data WHERE id > 1000"); // the index of words, which only verifying reads all of
        Invocation found = Invocation.Of(["store", "verify", .. Models, .. Store]);
        Assert.Equal(ExitCode.Failed, found.Code);
        Assert.Contains($"to mend it: kvasir store repair --store {Store[1]}", found.Out, StringComparison.Ordinal);
        Invocation.Of(["store", "repair", .. Store]).IsDone();
        Invocation.Of(["store", "verify", .. Models, .. Store]).IsDone();
    }

    [SkippableFact]
    public void Reading_a_store_that_is_not_there_makes_none()
    {
        Invocation.Of(["ask", "What?", .. Models, .. Store]).IsRefused("no document store here");
        Invocation.Of(["store", "verify", .. Models, .. Store]).IsRefused("no document store here");
        Invocation.Of(["ingest", "--stored", .. Models, .. Store]).IsRefused("no document store here");
        Invocation.Of(["ingest", _folder.Sub("none.txt"), .. Models, .. Store]).IsRefused("none.txt: no such file or folder");
        Invocation.Of(["ask", _folder.Sub("none.txt"), "What?", .. Models, .. Store]).IsRefused("none.txt: no such file or folder");
        Assert.False(Path.Exists(Store[1]));
    }

    [SkippableFact]
    public void What_is_no_picture_is_not_taken_for_one()
    {
        string note = _folder.File("note.txt", "The ferry leaves at nine."u8);
        Invocation.Of(["ask", "--image", note, "What?", .. Models, .. Store]).IsRefused("note.txt: not a picture");
        Assert.False(Path.Exists(Store[1]));
    }

    [Fact]
    public void Paths_that_are_empty_or_of_another_kind_are_refused()
    {
        DocumentStore.Open(Store[1], create: true).Dispose();
        string backup = _folder.Sub("backup.db"), export = _folder.Sub("export.kvx");
        Invocation.Of(["store", "rm", "", .. Store]).IsRefused("a path is empty");
        Invocation.Of(["store", "export", "", "--out", export, .. Store]).IsRefused("a path is empty");
        Invocation.Of(["store", "backup", "", .. Store]).IsRefused("name is empty");
        Invocation.Of(["store", "backup", _folder.Path, .. Store]).IsRefused("a folder; name a file");
        Invocation.Of(["store", "import", _folder.Path, .. Store]).IsRefused("a folder; name a file");
        Invocation.Of("inspect", "").IsRefused("name is empty");
        Assert.False(File.Exists(backup) || File.Exists(export));
    }

    [SkippableFact]
    public void What_was_left_out_is_told_without_a_terminal_too()
    {
        _folder.File("notes.txt", "Some text."u8);
        _folder.File("photo.zip", [1, 2]);
        _folder.File("scan.pdf", "%PDF-1.4"u8);
        string[] lines = Invocation.Of(["ingest", _folder.Path, .. Models, .. Store])
            .IsDone().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.StartsWith("1 document, ", lines[0], StringComparison.Ordinal);
        Assert.Equal(
            ["2 files left out:", "not a kind of document that is read:", _folder.Sub("photo.zip"),
            "a PDF file without pages; it is damaged:", _folder.Sub("scan.pdf")], lines[1..]);
        JsonElement skipped = Invocation.Of(["ingest", _folder.Path, "--json", .. Models, .. Store]).IsDone().Json.GetProperty("skipped");
        Assert.Equal(["not a kind of document that is read", "a PDF file without pages; it is damaged"], skipped.EnumerateArray()
            .Select(entry => entry.GetProperty("reason").GetString()));
    }

    [SkippableFact]
    public void Sources_are_numbered_and_shown_on_request()
    {
        string river = _folder.File("river.md", "# The Corwood\n\nThe river Corwood is 310 km long. It rises in the northern hills."u8);
        string[] ask = ["ask", river, "How long is the river Corwood?", "--max-tokens", "4", .. Models, .. Store];
        string plain = Invocation.Of(ask).IsDone().Out, shown = Invocation.Of([.. ask, "--show-sources"]).IsDone().Out;
        Assert.Contains($"[1] {river}: The Corwood (strong)", plain, StringComparison.Ordinal);
        Assert.Contains("(the answer was cut after 4 tokens; --max-tokens N allows more)", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("northern hills", plain, StringComparison.Ordinal);
        Assert.Contains("      The river Corwood is 310 km long. It rises in the northern hills.", shown, StringComparison.Ordinal);
        JsonElement source = Assert.Single(Invocation.Of([.. ask, "--json"]).IsDone().Json.GetProperty("sources").EnumerateArray());
        Assert.False(source.TryGetProperty("text", out _));
        Assert.Equal(0, source.GetProperty("chunk").GetInt32());
        Assert.True(source.GetProperty("score").GetDouble() > 0);
        Assert.Equal(("strong", "current", 0),
            (source.GetProperty("strength").GetString(), source.GetProperty("state").GetString(), source.GetProperty("alsoIn")
            .GetArrayLength()));
        source = Assert.Single(Invocation.Of([.. ask, "--json", "--show-sources"]).IsDone().Json.GetProperty("sources").EnumerateArray());
        Assert.Contains("northern hills", source.GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Question_that_the_documents_do_not_touch_is_not_answered()
    {
        string river = _folder.File("river.md", "# The Corwood\n\nThe river Corwood is 310 km long. It rises in the northern hills."u8);
        string[] ask = ["ask", river, "How do I bake bread?", "--max-tokens", "4", .. Models, .. Store];
        JsonElement answer = Invocation.Of([.. ask, "--json"]).IsDone().Json;
        Assert.Equal("irrelevant", answer.GetProperty("finishReason").GetString());
        Assert.Equal("The documents hold nothing relevant to this question.", answer.GetProperty("answer").GetString());
        Assert.Equal(0, answer.GetProperty("sources").GetArrayLength());
        Assert.All(answer.GetProperty("tokens").EnumerateObject(), tokens => Assert.Equal(0, tokens.Value.GetInt32()));
        Assert.Contains("--min-score 0", Invocation.Of(ask).IsDone().Out, StringComparison.Ordinal);
        Assert.NotEqual("irrelevant", Invocation.Of([.. ask, "--json", "--min-score", "0"]).IsDone().Json.GetProperty("finishReason")
            .GetString());
        Invocation.Of([.. ask, "--min-score", "1.5"]).IsRefused("--min-score");
    }

    [SkippableTheory]
    [InlineData("missing.txt", null)]
    [InlineData("latin1.txt", new byte[] { 0x63, 0xE9, 0x21 })]
    public void Document_that_cannot_be_read_is_refused(string name, byte[]? content)
    {
        string path = content is null ? _folder.Sub(name) : _folder.File(name, content);
        Invocation.Of(["ingest", path, .. Models, .. Store]).IsRefused(name);
        Invocation.Of(["ask", path, "What?", .. Models, .. Store]).IsRefused(name);
    }

    [SkippableFact]
    public void Changed_files_are_marked_and_the_command_that_reads_them_again_is_told()
    {
        string river = _folder.File("the river.txt", "The river Corwood is 310 km long.\nIt rises in the northern hills."u8);
        Invocation.Of(["ingest", river, .. Models, .. Store]).IsDone();
        _folder.File("the river.txt", "The river Corwood is 311 km long."u8);
        string[] ask = ["ask", "How long is the river Corwood?", "--max-tokens", "4", .. Models, .. Store];
        Invocation asked = Invocation.Of(ask);
        Assert.Contains("the river.txt, line 1: the river (strong, changed since)", asked.Out, StringComparison.Ordinal);
        Assert.StartsWith($"kvasir: {river} has changed since it was ingested; to mend it: kvasir ingest '{river}' --", asked.Error,
            StringComparison.Ordinal);
        Assert.Contains(Store[1], asked.Error, StringComparison.Ordinal);
        JsonElement answer = Invocation.Of([.. ask, "--json"]).Json;
        Assert.Equal("changed", answer.GetProperty("sources")[0].GetProperty("state").GetString());
        Assert.Equal(1, answer.GetProperty("warnings").GetArrayLength());
        Assert.Contains("changed", Invocation.Of(["store", "ls", .. Store]).IsDone().Out, StringComparison.Ordinal);
        Assert.Equal("changed", Invocation.Of(["store", "ls", "--json", .. Store]).IsDone().Json.GetProperty("files")[0]
            .GetProperty("state").GetString());
        Assert.Equal(1, Invocation.Of(["ingest", "--stored", "--json", .. Models, .. Store]).IsDone().Json.GetProperty("changedFiles")
            .GetInt32());
        Assert.Contains("311", Invocation.Of([.. ask, "--show-sources"]).IsDone().Out, StringComparison.Ordinal);
        Assert.Equal(1, Invocation.Of(["ingest", river, "--force", "--json", .. Models, .. Store]).IsDone().Json.GetProperty("changedFiles")
            .GetInt32());
        Invocation.Of(["ingest", .. Store]).IsRefused("--stored");
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
    [InlineData("quota")]
    [InlineData("quota", "1GB")]
    [InlineData("rm", "x")]
    public void Store_that_is_not_there_is_refused(params string[] verb) => Invocation.Of(["store", .. verb, .. Store]).IsRefused("store");

    [Fact]
    public void Quota_is_set_and_shown()
    {
        DocumentStore.Open(_folder.Sub("store"), create: true).Dispose();
        Assert.Contains("no quota", Invocation.Of(["store", "quota", .. Store]).IsDone().Out, StringComparison.Ordinal);
        Assert.Equal(512L << 20, Invocation.Of(["store", "quota", "512MB", "--json", .. Store]).IsDone().Json.GetProperty("quota")
            .GetInt64());
        Assert.Contains("of a quota of 512.0 MB", Invocation.Of(["store", "quota", .. Store]).IsDone().Out, StringComparison.Ordinal);
        Assert.Contains("of a quota of 512.0 MB", Invocation.Of(["store", "stats", .. Store]).IsDone().Out, StringComparison.Ordinal);
        Assert.Equal(512L << 20, Invocation.Of(["store", "stats", "--json", .. Store]).IsDone().Json.GetProperty("kvQuota").GetInt64());
        Assert.Equal(JsonValueKind.Null, Invocation.Of(["store", "quota", "none", "--json", .. Store])
            .IsDone().Json.GetProperty("quota").ValueKind);
        foreach (string size in new[] { "much", "3bit", "-1MB", "0MB" })
        {
            Invocation.Of(["store", "quota", .. Store, "--", size]).IsRefused(size);
        }

        Invocation.Of(["ingest", _folder.Path, "--quota", "much", .. Store]).IsRefused("much");
    }

    [SkippableFact]
    public void Ingest_under_a_quota_says_what_is_without_kv_and_the_question_is_answered()
    {
        string river = _folder.File("river.md", "The river Corwood is 310 km long."u8);
        JsonElement ingested = Invocation.Of(["ingest", river, "--quota", "1KB", "--json", .. Models, .. Store]).IsDone().Json;
        Assert.Equal((1, 1), (ingested.GetProperty("chunks").GetInt32(), ingested.GetProperty("chunksWithoutKv").GetInt32()));
        JsonElement answer = Invocation.Of(["ask", "How long is the river Corwood?", "--max-tokens", "4", "--json", .. Models, .. Store])
            .IsDone().Json;
        Assert.True(answer.GetProperty("tokens").GetProperty("recomputed").GetInt32() > 5);
        Assert.Equal(0, Invocation.Of(["store", "quota", "--json", .. Store]).IsDone().Json.GetProperty("used").GetInt64());
        Invocation.Of(["store", "quota", "1MB", .. Store]).IsDone();
        Invocation.Of(["ask", "How long is the river Corwood?", "--max-tokens", "4", .. Models, .. Store]).IsDone();
        Assert.True(Invocation.Of(["store", "quota", "--json", .. Store]).IsDone().Json.GetProperty("used").GetInt64() > 0);
    }

    /// <summary>Runs SQL on the store's database.</summary>
    private void Run(string sql)
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(Store[1], "store.db")};Pooling=False");
        database.Open();
        using SqliteCommand command = database.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void Dispose() => _folder.Dispose();
}
