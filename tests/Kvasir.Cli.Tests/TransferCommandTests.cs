using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>Documents with their KV from one store to another, from the command line.</summary>
public sealed class TransferCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string[] Models =>
        ["--model", SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), "--embedder",
            SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf")];

    private string[] First => ["--store", _folder.Sub("first")];

    private string[] Second => ["--store", _folder.Sub("second")];

    [SkippableFact]
    public void Another_store_answers_without_computing_what_was_imported()
    {
        string river = _folder.File("river.md", "# The Corwood\n\nThe river Corwood is 310 km long. It rises in the northern hills."u8);
        string file = _folder.Sub("river.kvx"), key = _folder.File("key", "0123456789abcdef0123456789abcdef\n"u8),
            other = _folder.File("other", "another key of some length"u8);
        Invocation.Of(["ingest", river, .. Models, .. First]).IsDone();
        JsonElement exported = Invocation.Of(["store", "export", river, "--out", file, "--key-file", key, "--json", .. First])
            .IsDone().Json;
        Assert.Equal((1, true), (exported.GetProperty("chunks").GetInt32(), exported.GetProperty("signed").GetBoolean()));

        Invocation.Of(["store", "import", file, "--key-file", other, .. Second]).IsRefused("not signed with this key");
        JsonElement imported = Invocation.Of(
            ["store", "import", file, "--key-file", key, "--as", _folder.Sub("elsewhere.md"), "--json", .. Second]).IsDone().Json;
        Assert.Equal((1, 2, true),
            (imported.GetProperty("changedFiles").GetInt32(), imported.GetProperty("kvFiles").GetInt32(), imported.GetProperty("checked")
            .GetBoolean()));

        string[] question = ["ask", "How long is the river Corwood?", "--max-tokens", "12", "--json", .. Models];
        JsonElement here = Invocation.Of([.. question, .. First]).IsDone().Json, there = Invocation.Of([.. question, .. Second])
            .IsDone().Json;
        Assert.Equal(0, there.GetProperty("tokens").GetProperty("recomputed").GetInt32());
        Assert.Equal(here.GetProperty("answer").GetString(), there.GetProperty("answer").GetString());
        Assert.Equal(_folder.Sub("elsewhere.md"), there.GetProperty("sources")[0].GetProperty("file").GetString());
        Assert.True(Invocation.Of(["store", "verify", "--json", .. Models, .. Second]).IsDone().Json.GetProperty("sound").GetBoolean());
    }

    [Fact]
    public void What_cannot_be_transferred_is_refused()
    {
        string text = _folder.File("text.txt", "no archive"u8), weak = _folder.File("weak", "1234"u8);
        Invocation.Of(["store", "import", text, .. Second]).IsRefused("text.txt");
        Invocation.Of(["store", "import", _folder.Sub("none.kvx"), .. Second]).IsRefused("none.kvx");
        Invocation.Of(["store", "import", text, "--key-file", weak, .. Second]).IsRefused("a key of 4 bytes");
        Assert.False(Path.Exists(Second[1]));
        DocumentStore.Open(Second[1], create: true).Dispose();
        Invocation.Of(["store", "export", text, "--out", _folder.Sub("out.kvx"), .. Second]).IsRefused("not in the store");
        Invocation.Of(["store", "export", text, "--out", Path.Combine(_folder.Sub("nowhere"), "out.kvx"), .. Second]).IsRefused("nowhere");
        Invocation.Of(["store", "export", text, "--out", _folder.Sub("out.kvx"), "--kv", "k=none", .. Second]).IsRefused("none");
    }

    public void Dispose() => _folder.Dispose();
}
