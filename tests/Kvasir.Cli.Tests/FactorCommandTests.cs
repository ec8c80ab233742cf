using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>The <c>factor</c> command, and policies that go by its file, on tiny models.</summary>
public sealed class FactorCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    private string Factors => _folder.Sub("p.factors");

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void Factors_serve_every_command_with_every_codec()
    {
        JsonElement made = Make("--share", "50%").IsDone().Json;
        JsonElement[] heads = [.. made.GetProperty("layers").EnumerateArray()];
        Assert.Equal(4, heads.Length);
        Assert.All(heads, head => Assert.Equal(0.5, head.GetProperty("share").GetDouble()));
        Assert.Equal(made.GetProperty("keyBytesPerTokenF16").GetInt64(), 2 * made.GetProperty("keyBytesPerToken").GetInt64());
        Assert.Equal("prerope", made.GetProperty("method").GetString());
        foreach (string codec in new[] { "", "k=f32,v=f32,", "k=kivi4,v=kivi2," })
            Run("complete", $"{codec}thin=50%,profile={Factors}", "--ids", string.Join(',', Enumerable.Range(1, 200)), "--max-tokens", "4")
                .IsDone();
        foreach (string[] command in new string[][] { ["logits", "--ids", "1,2,3"],
            ["bench", "--prompt", "64", "--gen", "2", "--repeat", "1"],
            ["ppl", "--file", Text(), "--prefill", "64", "--score", "4", "--windows", "1"] })
            Run(command[0], $"thin=50%,profile={Factors}", command[1..]).IsDone();
    }

    [SkippableFact]
    public void Bytes_of_a_sequence_are_what_the_factors_promise()
    {
        JsonElement made = Make("--share", "75%", "--per-head").IsDone().Json;
        long keys = made.GetProperty("keyBytesPerToken").GetInt64(), keysF16 = made.GetProperty("keyBytesPerTokenF16").GetInt64();
        Assert.Equal(keysF16, 4 * keys);
        long Bytes(string kv) =>
            Run("complete", kv, "--ids", string.Join(',', Enumerable.Range(0, 256).Select(i => i % 50 + 1)), "--max-tokens", "1", "--json")
            .IsDone().Json.GetProperty("kvBytes").GetInt64();
        Assert.Equal(256 * (keysF16 - keys), Bytes("k=f16,v=f16") - Bytes($"thin=75%,profile={Factors}"));
    }

    [SkippableFact]
    public void Methods_and_ranks_are_as_they_are_asked_for()
    {
        foreach (string method in new[] { "kqsvd", "kqsvd-centred", "svd" })
            Assert.Equal(method, Make("--rank", "8", "--method", method).IsDone().Json.GetProperty("method").GetString());
        Run("complete", $"thin=8,profile={Factors}", "--ids", "1,2,3", "--max-tokens", "2").IsDone();
        Run("complete", $"thin=9,profile={Factors}", "--ids", "1,2,3").IsRefused("thin=9");
    }

    [SkippableFact]
    public void What_cannot_be_made_is_refused()
    {
        Make("--share", "100%").IsRefused("--share");
        Make("--share", "half").IsRefused("--share");
        Make("--rank", "1000").IsRefused("head size");
        Make("--rank", "8", "--share", "50%").IsRefused("--rank");
        Make("--text", _folder.File("short.txt", "too short"u8)).IsRefused("tokens");
        Make("--text", _folder.Sub("none.txt")).IsRefused("none.txt");
        Invocation.Of("factor", "--model", Tiny).IsRefused("--out");
        Invocation.Of("factor", "--model", SharedData.Require("models/tiny/tiny-gpt2.gguf"), "--method", "prerope", "--out", Factors)
            .IsRefused("layer 0");
        Assert.False(File.Exists(Factors));
        Make("--share", "50%").IsDone();
        Invocation.Of("complete", "--model", SharedData.Require("models/tiny/tiny-gemma2.gguf"), "--kv", $"thin=50%,profile={Factors}",
            "--ids", "1").IsRefused("another model");
    }

    [Fact]
    public void The_table_has_the_papers_number()
    {
        JsonElement table = Invocation.Of("factor", "table", "--json").IsDone().Json;
        JsonElement Row(string shape, string kv) => table.GetProperty("rows").EnumerateArray()
            .First(row => row.GetProperty("shape").GetString()!.Contains(shape, StringComparison.Ordinal)
                && row.GetProperty("kv").GetString() == kv);
        // 32 layers of 32 heads of 128: a quarter of the keys of 131,072 tokens saves 3/4 of 34.4 GB, and 60% more users fit.
        JsonElement thin = Row("32 kv heads", "thin=75%"), full = Row("32 kv heads", "k=f16,v=f16");
        Assert.Equal(3L * 32 * 32 * 128 * 131072 / 2, thin.GetProperty("savedBytes").GetInt64());
        Assert.Equal(1.6, thin.GetProperty("users").GetDouble() / full.GetProperty("users").GetDouble(), 0.02);
        Assert.Equal(full.GetProperty("bytes").GetInt64(), 4 * Row("Llama-3-8B", "k=f16,v=f16").GetProperty("bytes").GetInt64());
    }

    private static Invocation Run(string command, string kv, params string[] more) =>
        Invocation.Of([command, "--model", Tiny, "--threads", "1", "--kv", kv, .. more]);

    private Invocation Make(params string[] more) => Invocation.Of(
        ["factor", "--model", Tiny, "--threads", "1", "--out", Factors, "--json", .. more.Contains("--text") ? []
            : new[] { "--text", Text() }, .. more]);

    private string Text() =>
        _folder.File("text.txt",
            Encoding.UTF8.GetBytes(string.Join(' ', Enumerable.Range(0, 300).Select(i => $"{i * 7919 % 1000} apples"))));
}
