using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>The <c>profile auto</c> command, and policies that go by its file, on a tiny model.</summary>
public sealed class ProfileCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    private string Profile => _folder.Sub("p.json");

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void Profile_serves_every_command_and_budget()
    {
        JsonElement made = Invocation.Of("profile", "auto", "--model", Tiny, "--out", Profile, "--threads", "1", "--json").IsDone().Json;
        Assert.Equal((2, 2), (made.GetProperty("layers").GetArrayLength(), made.GetProperty("layers")[0].GetArrayLength()));
        byte[] written = File.ReadAllBytes(Profile);
        long last = 0;
        foreach (string budget in new[] { "3bit", "25%", "400KB" })
        {
            JsonElement result = Run(
                "complete", $"auto:{budget},profile={Profile}", "--ids", string.Join(',', Enumerable.Range(1, 200)), "--max-tokens", "4",
                "--json").IsDone().Json;
            long bytes = result.GetProperty("kvBytes").GetInt64();
            Assert.True(bytes > last, $"{bytes} bytes under {budget}");
            last = bytes;
        }

        foreach (string[] command in new string[][] { ["logits", "--ids", "1,2,3"],
            ["bench", "--prompt", "64", "--gen", "2", "--repeat", "1"],
            ["ppl", "--file", Text(), "--prefill", "64", "--score", "4", "--windows", "1"] })
            Run(command[0], $"auto:4bit,profile={Profile}", command[1..]).IsDone();
        Assert.Equal(written, File.ReadAllBytes(Profile));
    }

    [SkippableFact]
    public void Text_of_ones_own_is_measured_on()
    {
        JsonElement made = Invocation.Of(
            "profile", "auto", "--model", Tiny, "--file", Text(), "--out", Profile, "--scale", "16", "--threads", "1", "--json")
            .IsDone().Json;
        Assert.Contains("given text", made.GetProperty("calibration").GetString(), StringComparison.Ordinal);
        Assert.Equal("kivi2/32/16", made.GetProperty("codecs").GetProperty("keys").GetString());
        Run("complete", $"auto:4bit,scale=16,profile={Profile}", "--ids", "1,2,3", "--max-tokens", "2").IsDone();
        Run("complete", $"auto:4bit,profile={Profile}", "--ids", "1,2,3", "--max-tokens", "2").IsRefused("scale=16");
    }

    [SkippableFact]
    public void What_cannot_be_measured_is_refused()
    {
        Invocation.Of("profile", "auto", "--model", Tiny, "--file", _folder.File("short.txt", "too short"u8), "--out", Profile)
            .IsRefused("tokens");
        Invocation.Of("profile", "auto", "--model", Tiny, "--file", _folder.Sub("none.txt"), "--out", Profile).IsRefused("none.txt");
        Invocation.Of("profile", "auto", "--model", Tiny, "--out", _folder.Sub("nowhere/p.json")).IsRefused("nowhere");
        Invocation.Of("profile", "auto", "--model", Tiny, "--out", Profile, "--scale", "12").IsRefused("12");
        string bad = _folder.File("bad.json", "{}"u8);
        Run("complete", $"auto:3bit,profile={bad}", "--ids", "1").IsRefused("bad.json");
        Run("complete", $"thin=50%,profile={bad}", "--ids", "1").IsRefused("bad.json: neither a profile nor factors");
        Assert.False(File.Exists(Profile));
    }

    private static Invocation Run(string command, string kv, params string[] more) =>
        Invocation.Of([command, "--model", Tiny, "--threads", "1", "--kv", kv, .. more]);

    private string Text() =>
        _folder.File("text.txt",
            Encoding.UTF8.GetBytes(string.Join(' ', Enumerable.Range(0, 1500).Select(i => $"{i * 7919 % 1000} apples"))));
}
