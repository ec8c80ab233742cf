using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>Saved and stored KV under another policy, from the command line.</summary>
public sealed class ConvertCommandTests : IDisposable
{
    private const string Small = "k=kivi4,v=kivi4";

    private readonly TemporaryFolder _folder = new();

    private static string[] Model => ["--model", SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf")];

    private static string[] Models => [.. Model, "--embedder", SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf")];

    private string[] Store => ["--store", _folder.Sub("store")];

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void Stored_kv_is_converted_and_used()
    {
        string river = _folder.File(
            "river.md",
            "# The Corwood\n\nThe river Corwood is 310 km long. It rises in the northern hills and ends in the sea near the village of "u8
            + "Oakmere."u8);
        Invocation.Of(["ingest", river, "--kv", "k=f16,v=f16", .. Models, .. Store]).IsDone();
        JsonElement tokens = Invocation.Of(["ask", "How long is the river Corwood?", "--max-tokens", "2", "--json", .. Models, .. Store])
            .IsDone().Json.GetProperty("tokens");
        Assert.Equal(0, tokens.GetProperty("recomputed").GetInt32());
        Assert.InRange(tokens.GetProperty("converted").GetInt32(), 20, tokens.GetProperty("reused").GetInt32());

        JsonElement report = Invocation.Of(
            ["store", "convert", "--kv", Small, "--from", "k=f16,v=f16", "--remove", "--json", .. Model, .. Store]).IsDone().Json;
        Assert.Equal((2, 0, true),
            (report.GetProperty("files").GetInt32(), report.GetProperty("skipped").GetInt32(), report.GetProperty("removed").GetBoolean()));
        Assert.True(report.GetProperty("bytesAfter").GetInt64() < report.GetProperty("bytesBefore").GetInt64());
        Assert.True(report.GetProperty("tokens").GetInt64() > 40 && report.GetProperty("seconds").GetDouble() >= 0);

        Assert.Equal(
            Small, Assert.Single(Invocation.Of(["store", "ls", "--json", .. Store]).IsDone().Json.GetProperty("kv").EnumerateArray())
            .GetProperty("policy").GetString());
        Assert.Equal(
            Small, Assert.Single(Invocation.Of(["store", "verify", "--json", .. Models, .. Store]).IsDone().Json.GetProperty("kv")
            .EnumerateArray()).GetProperty("policy").GetString());
        Assert.Contains(Small, Invocation.Of(["store", "stats", .. Store]).IsDone().Out, StringComparison.Ordinal);
        tokens = Invocation.Of(["ask", "How long is the river Corwood?", "--max-tokens", "2", "--json", .. Models, .. Store])
            .IsDone().Json.GetProperty("tokens");
        Assert.Equal((0, 0), (tokens.GetProperty("recomputed").GetInt32(), tokens.GetProperty("converted").GetInt32()));

        Invocation.Of(["store", "convert", "--kv", Small, .. Model, .. Store]).IsRefused("no KV of SmolLM2");
        Invocation.Of(["store", "convert", "--kv", Small, "--from", Small, .. Model, .. Store]).IsRefused("same policy");
        Invocation.Of(["store", "convert", "--kv", "k=f16,v=f16", .. Model, .. Store]).IsRefused("has lost");
        JsonElement ingested = Invocation.Of(["ingest", river, "--kv", "k=kivi4,v=kivi4,residual=64", "--json", .. Models, .. Store])
            .IsDone().Json;
        Assert.Equal((0, 1), (ingested.GetProperty("computedChunks").GetInt32(), ingested.GetProperty("convertedChunks").GetInt32()));
    }

    [SkippableFact]
    public void Damaged_kv_is_named_and_counted()
    {
        string ship = _folder.File("ship.txt", "The Silver Gull is a ship with 59 sailors."u8);
        Invocation.Of(["ingest", ship, "--kv", "k=f16,v=f16", .. Models, .. Store]).IsDone();
        string damaged = Directory.GetFiles(_folder.Sub("store"), "*.kv", SearchOption.AllDirectories)
            .First(file => !file.EndsWith("prefix.kv", StringComparison.Ordinal));
        using (FileStream file = File.OpenWrite(damaged))
        {
            file.Position = file.Length - 100;
            file.Write("damage"u8);
        }

        Invocation run = Invocation.Of(["store", "convert", "--kv", Small, "--remove", "--json", .. Model, .. Store]);
        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("kvasir: 1 damaged KV file", run.Error, StringComparison.Ordinal);
        Assert.Equal(damaged, Assert.Single(run.Json.GetProperty("damaged").EnumerateArray()).GetProperty("path").GetString());
        Assert.Equal((1, false), (run.Json.GetProperty("files").GetInt32(), run.Json.GetProperty("removed").GetBoolean()));
    }

    [SkippableFact]
    public void Saved_chat_is_converted_when_another_policy_is_asked_for()
    {
        string saved = _folder.Sub("chat.kv");
        Invocation.With(
            $"Tell me about rivers and the sea, and about ships and their sailors, and which of them you like best.\n/save {saved}\n",
            ["chat", "--max-tokens", "2", "--temperature", "0", .. Model]).IsDone();
        Invocation same = Invocation.With("/kv\n", ["chat", "--load", saved, .. Model]).IsDone();
        Assert.Contains("policy k=f16,v=f16", same.Out, StringComparison.Ordinal);
        Invocation other = Invocation.With(
            "And now?\n/kv\n", ["chat", "--load", saved, "--kv", Small, "--max-tokens", "2", "--temperature", "0", .. Model]);
        Assert.Equal(ExitCode.Done, other.Code);
        Assert.Equal($"kvasir: {saved} was saved with k=f16,v=f16; converted to {Small}{Environment.NewLine}", other.Error);
        Assert.Contains($"policy {Small}", other.Out, StringComparison.Ordinal);

        JsonElement file = Invocation.Of("inspect", saved, "--json").IsDone().Json.GetProperty("metadata");
        JsonElement segment = file.GetProperty("segments")[0];
        Assert.Equal(("f16", "f16", 0),
            (segment.GetProperty("keys").GetString(), segment.GetProperty("values").GetString(), segment.GetProperty("firstPosition")
            .GetInt32()));
        Assert.Contains("f16", Invocation.Of("inspect", saved).IsDone().Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Store_that_is_not_there_is_refused() =>
        Invocation.Of(["store", "convert", "--kv", Small, .. Store]).IsRefused("no document store");

    [Theory]
    [InlineData("--kv k=kivi4,v=kivi4")]
    [InlineData("--kv", "k=kivi9")]
    [InlineData("--kv", "k=f16", "--from", "v=f17")]
    [InlineData("--remove")]
    public void Policy_that_cannot_be_is_refused(params string[] words) =>
        Invocation.Of(["store", "convert", .. words, .. Store]).IsRefused("kv");
}
