using System.Text.Json;

namespace Kvasir.Cli.Tests;

public sealed class TrainCommandTests : IDisposable
{
    private const string Small = "--width 32 --layers 1 --vocab 300 --context 16 --batch 8 --steps 30 --lr 0.01";

    private readonly TemporaryFolder _folder = new();
    private readonly string _text, _model;

    public TrainCommandTests()
    {
        string[] words = ["the cat", "a dog", "two birds", "sat", "ran", "on the mat", "in the park", "at noon"];
        _text = _folder.File(
            "text.txt", string.Join(' ', Enumerable.Range(0, 1500).Select(i => words[(i * i + i / 7) % words.Length] + ".")));
        _model = Path.Combine(_folder.Path, "small.gguf");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("100%")]
    [InlineData("25%")]
    public void A_text_becomes_a_model_that_completes_and_is_measured(string thin)
    {
        Invocation trained = Invocation.Of(
            ["train", "--text", _text, "--out", _model, "--json", "--threads", "1", .. Small.Split(' '), "--thin", thin]).IsDone();
        JsonElement[] lines = [.. trained.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(Enumerable.Range(1, 30), lines[..^1].Select(line => line.GetProperty("step").GetInt32()));
        Assert.True(lines[0].GetProperty("loss").GetDouble() > 1.5 * lines[^2].GetProperty("loss").GetDouble());
        Assert.All(lines[..^1], line => Assert.True(line.GetProperty("tokensPerSecond").GetDouble() > 0));
        Assert.Equal(0.01, lines[..^1].Max(line => line.GetProperty("learningRate").GetDouble()), 1e-6);
        Assert.True(lines[^1].GetProperty("done").GetBoolean());
        Assert.Equal(_model, lines[^1].GetProperty("path").GetString());
        Assert.InRange(lines[^1].GetProperty("validationPerplexity").GetDouble(), 1, 100);
        Assert.Equal(30, File.ReadLines(_model + ".loss.jsonl").Count());
        Assert.StartsWith("<svg", File.ReadAllText(_model + ".loss.svg"), StringComparison.Ordinal);
        Assert.False(File.Exists(_model + ".checkpoint"));
        Invocation.Of("complete", "--model", _model, "--prompt", "the cat", "--max-tokens", "3").IsDone();
        Invocation.Of("ppl", "--model", _model, "--file", _text, "--window", "16", "--windows", "2").IsDone();
    }

    [Fact]
    public void Factors_of_a_model_are_tuned_and_used()
    {
        string factors = _folder.Sub("tuned.factors");
        string small = Small.Replace("--context 16", "--context 96", StringComparison.Ordinal);
        Invocation.Of(["train", "--text", _text, "--out", _model, "--threads", "1", .. small.Split(' '), "--type", "f32"]).IsDone();
        string[] factor = ["factor", "--model", _model, "--text", _text, "--threads", "1", "--share", "50%", "--out", factors, "--json"];
        JsonElement told = Invocation.Of([.. factor, "--finetune", "--steps", "4"]).IsDone().Json;
        Assert.Contains("tuned", told.GetProperty("method").GetString(), StringComparison.Ordinal);
        Assert.Equal(4, File.ReadLines(factors + ".loss.jsonl").Count());
        JsonElement measured = Invocation.Of(
            "ppl", "--model", _model, "--file", _text, "--window", "90", "--windows", "2", "--json", "--kv",
            $"thin=50%,profile={factors}").IsDone().Json;
        Assert.InRange(measured.GetProperty("ppl").GetDouble(), 1, 300);
        Invocation.Of([.. factor, "--finetune", "--resume"]).IsRefused("tuned.factors.checkpoint");
    }

    /// <summary>Another seed, so that nothing but the weights can have been learned before.</summary>
    [Theory]
    [InlineData("adamw")]
    [InlineData("muon")]
    public void A_training_goes_on_with_a_model_that_was_trained(string optimizer)
    {
        string more = Path.Combine(_folder.Path, "more.gguf");
        Invocation.Of(["train", "--text", _text, "--out", _model, "--threads", "1", "--type", "f32", .. Small.Split(' ')]).IsDone();
        string[] lines = Invocation.Of("train", "--text", _text, "--out", more, "--init", _model, "--optimizer", optimizer, "--json",
            "--type", "f32", "--context", "16", "--batch", "8", "--steps", "20", "--lr", "0.003",
            "--seed", "2").IsDone().Out.Trim().Split('\n');
        double[] losses = [.. lines[..^1].Select(line => JsonDocument.Parse(line).RootElement.GetProperty("loss").GetDouble())];
        double before = File.ReadLines(_model + ".loss.jsonl").TakeLast(5)
            .Average(line => JsonDocument.Parse(line).RootElement.GetProperty("loss").GetDouble());
        Assert.Equal(before, losses[0], 0.5);
        Assert.InRange(losses[^5..].Average(), 0, before + 0.3);
        Assert.Equal(new FileInfo(_model).Length, new FileInfo(more).Length, 64.0);
    }

    [Theory]
    [InlineData("--width 64", "leave --width out")]
    [InlineData("--recall", "leave --recall out")]
    [InlineData("--context 16", "no-such-model.gguf")]
    public void A_model_to_go_on_with_settles_its_sizes(string settings, string named) => Invocation.Of(
        ["train", "--text", _text, "--out", _model, "--init", _folder.Sub("no-such-model.gguf"), .. settings.Split(' ')]).IsRefused(named);

    [Theory]
    [InlineData("--thin 0%", "--thin 0%")]
    [InlineData("--thin many", "--thin many")]
    [InlineData("--heads 5", "cannot be divided into 5 heads")]
    [InlineData("--heads 4 --kv-heads 3", "cannot share 3 key-value heads")]
    [InlineData("--context 60000", "60000")]
    [InlineData("--passes 3", "3 equal passes")]
    [InlineData("--steps 0", "--steps 0")]
    [InlineData("--lr 2", "--lr 2")]
    [InlineData("--resume", "small.gguf.checkpoint")]
    [InlineData("--text no-such-file.txt", "no-such-file.txt")]
    public void Bad_settings_are_one_line_that_names_them(string settings, string named)
    {
        Invocation.Of(["train", "--text", _text, "--out", _model, .. settings.Split(' ')]).IsRefused(named);
        Assert.False(File.Exists(_model));
    }
}
