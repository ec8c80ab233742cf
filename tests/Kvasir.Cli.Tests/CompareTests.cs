using System.Text.Json;
using System.Xml.Linq;
using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Cli.Tests;

/// <summary>The <c>compare</c> command on a tiny model.</summary>
public sealed class CompareTests : IDisposable
{
    private static readonly string[] Quick =
        ["--prefill", "40", "--score", "8", "--windows", "2", "--passkey", "0", "--depth", "0,64", "--prompt", "32", "--gen", "4",
            "--repeat", "1", "--kv-length", "96", "--compute", "float32", "--threads", "1"];
    private readonly TemporaryFolder _folder = new();

    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    [SkippableFact]
    public void Baseline_comes_first_and_each_policy_once()
    {
        JsonElement rows = Compare("k=f32,v=f32", "v=f16,k=f16", "v=f32,k=f32", "k=f16,v=f32");
        Assert.Equal(["k=f16,v=f16", "k=f32,v=f32", "k=f16,v=f32"], rows.EnumerateArray().Select(row => row.GetProperty("kv").GetString()));
    }

    [SkippableFact]
    public void Baseline_does_not_differ_from_itself_and_others_hardly_from_it()
    {
        JsonElement rows = Compare("k=f32,v=f32");
        Assert.Equal((0.0, 1.0, 1.0, 1.0),
            (Figure(rows[0], "kl"), Figure(rows[0], "agree"), Figure(rows[0], "pplRatio"), Figure(rows[0], "kvBytesRatio")));
        Assert.InRange(Figure(rows[1], "kl"), double.Epsilon, 1e-3);
        Assert.False(rows[0].GetProperty("tooFewWindows").GetBoolean());
        Assert.InRange(Figure(rows[1], "pplRatio"), Figure(rows[1], "pplRatioLow"), Figure(rows[1], "pplRatioHigh"));
        Assert.Equal((2.0, 1.0), (Figure(rows[1], "kvBytesRatio"), Math.Round(Figure(rows[1], "pplRatio"), 3)));
    }

    [SkippableFact]
    public void Speeds_stand_at_every_depth()
    {
        foreach (JsonElement row in Compare("k=f32,v=f32").EnumerateArray())
        {
            foreach (string test in new[] { "prefill", "decode" })
            {
                Assert.Equal([0, 64], row.GetProperty(test).EnumerateArray().Select(speed => speed.GetProperty("depth").GetInt32()));
                Assert.All(row.GetProperty(test).EnumerateArray(), speed => Assert.True(Figure(speed, "tokensPerSecond") > 0));
            }

            Assert.True(Figure(row, "peakMemoryBytes") > 1 << 20);
        }
    }

    [SkippableFact]
    public void A_report_shows_what_each_head_keeps_and_chose()
    {
        string page = Path.Combine(_folder.Path, "kept.html");
        string[] policies = ["evict=keydiff:50%,recent=0", "evict=fastgen:0.6"];
        Invocation.Of(["compare", "--model", Tiny, "--policies", .. policies, "--report", page, .. Quick]).IsDone();
        XElement[] maps = [.. XDocument.Load(page).Descendants().Where(element => element.Name.LocalName == "svg"
            && (string?)element.Attribute("aria-label") == "Share of tokens kept by layer and head")];
        string[] keyDiff = Said(maps[0]), fastGen = Said(maps[1]);
        Assert.Equal((2, keyDiff.Length), (maps.Length, fastGen.Length));
        Assert.All(keyDiff, said => Assert.EndsWith("50% kept", said, StringComparison.Ordinal));
        const string cell = @"^layer \d+, head \d+: \d+% kept \((special|\+ punctuation|\+ frequent|\+ local|full)\)$";
        Assert.All(fastGen, said => Assert.Matches(cell, said));
        Assert.Equal(fastGen.Length, fastGen.Distinct().Count());

        static string[] Said(XElement map) =>
            [.. map.Descendants().Where(element => element.Name.LocalName == "title").Select(title => title.Value)];
    }

    [SkippableFact]
    public void Perplexity_is_that_of_ppl_on_the_same_windows()
    {
        string text = _folder.File(
            "text.txt", Encoding.UTF8.GetBytes(
            string.Concat(Enumerable.Range(0, 60).Select(i => $"Sentence {i * 37 % 60} says little. "))));
        JsonElement ppl = Invocation.Of(
            "ppl", "--file", text, "--prefill", "40", "--score", "8", "--starts", "3,100", "--kv", "k=f32,v=f32", "--compute", "float32",
            "--json", "--model", Tiny).IsDone().Json;
        string[] windows = [.. Quick.Select(option => option == "--windows" ? "--starts" : option == "2" ? "3,100" : option)];
        JsonElement compared = Invocation.Of(
            ["compare", "--policies", "k=f32,v=f32", "--file", text, .. windows, "--json", "--model", Tiny]).IsDone().Json;
        Assert.Equal(1, Figure(compared.GetProperty("rows")[1], "ppl") / Figure(ppl, "ppl"), 1e-5);
        Assert.Equal("text.txt", compared.GetProperty("text").GetString());
    }

    [SkippableFact]
    public void Report_is_one_well_formed_page_without_outside_parts()
    {
        string page = _folder.Sub("report.html");
        Invocation printed = Invocation.Of(
            ["compare", "--policies", "k=f32,v=f32", "k=f16,v=f16,residual=32", "--report", page, .. Quick, "--model", Tiny]).IsDone();
        Assert.Contains("written by the model itself", printed.Out, StringComparison.Ordinal);
        Assert.Contains("pp32 @64", printed.Out, StringComparison.Ordinal);
        Assert.Contains("Too few windows to tell whether the perplexity differs from float16: k=f32,v=f32", printed.Out,
            StringComparison.Ordinal);
        string html = File.ReadAllText(page);
        XDocument document = XDocument.Parse(html);
        Assert.Equal(3, document.Descendants().Count(element => element.Name.LocalName == "svg"));
        Assert.Equal([3, 3], document.Descendants("tbody").Select(table => table.Elements("tr").Count()));
        Assert.DoesNotContain(document.Descendants(), element =>
            element.Name.LocalName is "script" or "link" or "img" or "iframe"
                || element.Attributes().Any(attribute => attribute.Name.LocalName is "src" or "href"));
        Assert.DoesNotContain("url(", html, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", html, StringComparison.Ordinal);
        Assert.Contains("residual=32", html, StringComparison.Ordinal);
        Assert.Contains("To be minded", html, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("k=f7", "--policies", "k=f7")]
    [InlineData("-5", "--depth", "0,-5")]
    [InlineData("--repeat 0", "--repeat", "0")]
    [InlineData("100000", "--passkey-tokens", "100000", "--prefill", "40")]
    [InlineData("a window needs 100128", "--prefill", "100000")]
    [InlineData("--file", "--starts", "5")]
    [InlineData("nowhere.txt", "--file", "nowhere.txt")]
    [InlineData("nowhere", "--report", "nowhere/report.html")]
    public void Impossible_options_are_refused(string named, params string[] options) =>
        Invocation.Of(["compare", "--policies", "k=f32", "--model", Tiny, .. options]).IsRefused(named);

    [SkippableFact]
    public void Depth_beyond_learned_positions_is_refused() =>
        Invocation.Of("compare", "--policies", "k=f32", "--model", SharedData.Require("models/tiny/tiny-gpt2.gguf"))
            .IsRefused("learned positions for 128 tokens");

    [SkippableFact]
    public void Calibration_text_is_the_same_for_a_seed_and_holds_no_special_tokens()
    {
        using Model model = Model.Load(Tiny);
        int[][] texts = CalibrationText.Write(model, 3, 50, seed: 9);
        Assert.Equal([50, 50, 50], texts.Select(text => text.Length));
        Assert.All(texts, text =>
            Assert.DoesNotContain(text.Skip(1), id => model.Tokenizer.IsSpecial(id) || model.Tokenizer.IsEndOfGeneration(id)));
        Assert.Equal(texts, CalibrationText.Write(model, 3, 50, seed: 9));
        Assert.NotEqual(texts, CalibrationText.Write(model, 3, 50, seed: 10));
        Assert.NotEqual(texts[0], texts[1]);
    }

    public void Dispose() => _folder.Dispose();

    private static JsonElement Compare(params string[] policies) =>
        Invocation.Of(["compare", "--policies", .. policies, .. Quick, "--json", "--model", Tiny]).IsDone().Json.GetProperty("rows");

    private static double Figure(JsonElement row, string name) => row.GetProperty(name).GetDouble();
}
