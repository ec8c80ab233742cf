using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>The commands that show what eviction does, on a tiny model.</summary>
public sealed class EvictionCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    private static string Ids => string.Join(',', Enumerable.Range(1, 100).Select(i => i * 7 % 200));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Nothing_is_kept_of_an_empty_prompt() =>
        Invocation.Of("kept", "--kv", "evict=keydiff:25%", "--prompt", "", "--model", "demonstration").IsRefused("the prompt is empty");

    [SkippableFact]
    public void Kept_shows_positions_bytes_and_a_picture()
    {
        JsonElement all = Run("kept", "--kv", "evict=keydiff:25%,sink=0,recent=0", "--ids", Ids, "--json").IsDone().Json;
        JsonElement kept = all.GetProperty("kept");
        Assert.Equal((2, 2), (kept.GetArrayLength(), kept[0].GetArrayLength()));
        foreach (JsonElement head in kept.EnumerateArray().SelectMany(layer => layer.EnumerateArray()))
        {
            int[] positions = head.Deserialize<int[]>()!;
            Assert.Equal(25, positions.Length);
            Assert.Equal(positions.Order().Distinct(), positions);
            Assert.InRange(positions[^1], 0, 99);
        }
        Assert.InRange(all.GetProperty("bytes").GetInt64(), 1, all.GetProperty("bytesF16").GetInt64() / 2);
        JsonElement one = Run("kept", "--kv", "evict=keydiff:25%,sink=0,recent=0", "--ids", Ids, "--layer", "1", "--head", "0", "--json")
            .IsDone().Json.GetProperty("kept");
        Assert.Equal(kept[1][0].Deserialize<int[]>(), Assert.Single(Assert.Single(one.EnumerateArray()).EnumerateArray())
            .Deserialize<int[]>());
        string picture = Run("kept", "--kv", "evict=streaming:50%,sink=0,recent=0", "--ids", Ids).IsDone().Out;
        Assert.Contains("50.0%", picture, StringComparison.Ordinal);
        string[] whole = Run("kept", "--ids", Ids, "--json").IsDone().Json.GetProperty("kept")[0][0].EnumerateArray()
            .Select(position => position.ToString()).ToArray();
        Assert.Equal(100, whole.Length);
    }

    [SkippableFact]
    public void Profiles_are_measured_on_ids_texts_and_what_the_model_writes()
    {
        string prompts = _folder.File("prompts.json", Encoding.UTF8.GetBytes($"{{\"a\":[{Ids}],\"b\":[5,6,7,8,9,10,11,12]}}")),
            profile = _folder.Sub("p.json");
        JsonElement made = Run("profile", "prefixkv", "--ids-file", prompts, "--budgets", "20,50", "--out", profile, "--json").IsDone()
            .Json;
        double[] ratios = made.GetProperty("budgets").GetProperty("20").GetProperty("forgetRatio").Deserialize<double[]>()!;
        Assert.Equal(2, ratios.Length);
        Assert.InRange(ratios.Average(), 0.5, 1);
        Assert.True(made.GetProperty("budgets").GetProperty("50").GetProperty("forgetRatio")[0].GetDouble() < ratios[0]);
        Run("complete", "--kv", $"evict=prefixkv:20%,profile={profile}", "--ids", Ids, "--max-tokens", "4").IsDone();
        Run("complete", "--kv", $"evict=prefixkv:30%,profile={profile}", "--ids", Ids, "--max-tokens", "4").IsRefused("30%");
        JsonElement chosen = Run("profile", "fastgen", "--ids-file", prompts, "--recovery", ".9", "--json").IsDone()
            .Json.GetProperty("prompts").GetProperty("a");
        Assert.All(chosen.GetProperty("chosen").Deserialize<int[][]>()!.SelectMany(layer => layer), policy => Assert.InRange(policy, 0, 4));
        double mass = chosen.GetProperty("keptFraction").GetDouble();
        double stricter = Run("profile", "fastgen", "--ids-file", prompts, "--recovery", ".9", "--reading", "l1", "--json").IsDone()
            .Json.GetProperty("prompts").GetProperty("a").GetProperty("keptFraction").GetDouble();
        Assert.InRange(stricter, mass, 1);
        Run("profile", "prefixkv", "--file",
            _folder.File("t.txt", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("some words of a text. ", 60))))).IsDone();
        Run("profile", "fastgen").IsDone();
    }

    [SkippableFact]
    public void What_cannot_be_is_refused_in_a_line()
    {
        Run("kept", "--kv", "evict=keydiff:25%", "--ids", Ids, "--layer", "2").IsRefused("--layer 2");
        Run("kept", "--kv", "evict=nothing:25%", "--ids", Ids).IsRefused("nothing");
        Run("ppl", "--kv", "evict=keydiff:25%", "--file", _folder.File("t.txt", "words and words and words"u8), "--window", "4")
            .IsRefused("--prefill");
        string[] wrong =
        [
            "{", "[1]", "{}", """{"a":[]}""", """{"a":null}""", """{"a":[-1]}""", """{"a":[999999]}""", """{"a":["x"]}""",
        ];
        foreach (string bad in wrong)
            Run("profile", "prefixkv", "--ids-file", _folder.File("bad.json", Encoding.UTF8.GetBytes(bad))).IsRefused("bad.json");
        Run("profile", "prefixkv", "--ids-file", "a", "--file", "b").IsRefused("one of them");
        Run("profile", "prefixkv", "--budgets", "0").IsRefused("--budgets 0");
        Run("profile", "fastgen", "--recovery", "1.5").IsRefused("--recovery");
        Run("complete", "--kv", "evict=streaming,budget=1KB", "--ids", Ids).IsRefused("at least");
    }

    [SkippableFact]
    public void Every_method_completes_measures_and_chats()
    {
        string text = _folder.File("t.txt",
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 80).Select(i => $"word {i * 37 % 100}, "))));
        foreach (string method in new[] { "prefixkv:30%", "h2o:30%", "snapkv:30%", "tova:30%", "keydiff:30%", "knorm:30%",
            "expected:30%", "kvzip:30%", "kvzip+:30%", "pyramid:30%", "ada:30%", "streaming:30%", "fastgen:0.9",
            "fastgen:0.9,score=reconstruction", "streaming,budget=1MB" })
        {
            JsonElement done = Run("complete", "--kv", $"evict={method},k=kivi4,v=kivi4", "--ids", Ids, "--max-tokens", "6", "--json")
                .IsDone().Json;
            Assert.Equal(6, done.GetProperty("ids").GetArrayLength());
        }
        Assert.True(double.IsFinite(Run("ppl", "--kv", "evict=h2o:30%", "--file", text, "--prefill", "64", "--score", "16", "--windows",
            "2", "--json").IsDone().Json.GetProperty("ppl").GetDouble()));
        Assert.Contains("losesPasskeys", Run("compare", "--policies", "evict=h2o:30%", "--file", text, "--prefill", "64", "--score", "8",
            "--windows", "1", "--passkey", "2", "--passkey-tokens", "100", "--depth", "0", "--prompt", "0", "--gen", "0", "--kv-length",
            "64", "--json").IsDone(anyNotes: true).Out, StringComparison.Ordinal);
    }

    private static Invocation Run(string command, params string[] arguments) =>
        Invocation.Of([command, .. arguments[..1].Where(first => first[0] != '-'), "--model", Tiny, "--threads", "1",
        .. arguments.SkipWhile(argument => argument[0] != '-')]);
}
