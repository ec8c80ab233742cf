using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>Commands on the tiny models: what they print, and that their parts fit together.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    [SkippableTheory]
    [InlineData("Hello there, 12 cats!")]
    [InlineData("naïve café 😀 e\u0301 中文\n\ttabs")]
    [InlineData("")]
    public void Text_comes_back_from_its_ids(string text)
    {
        string model = SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf");
        JsonElement ids = Invocation.With(text, "tokenize", "--json", "--model", model).IsDone().Json.GetProperty("ids");
        if (text.Length == 0)
        {
            Assert.Equal(0, ids.GetArrayLength());
            return;
        }

        string back = Invocation.Of("tokenize", "--decode", ids.GetRawText(), "--json", "--model", model).IsDone().Json.GetProperty("text")
            .GetString()!;
        Assert.Equal(text, back);
    }

    [SkippableFact]
    public void Special_tokens_are_text_with_no_special()
    {
        string model = SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf");
        Assert.Equal("1", Invocation.Of("tokenize", "<|im_start|>", "--model", model).IsDone().Out.Trim());
        Assert.Contains(',', Invocation.Of("tokenize", "<|im_start|>", "--no-special", "--model", model).IsDone().Out);
    }

    [SkippableFact]
    public void Greedy_completion_follows_the_logits()
    {
        JsonElement completed = Invocation.Of(
            "complete", "--ids", "5,6,7", "--max-tokens", "3", "--ignore-end", "--json", "--model", Tiny, "--compute", "float32")
            .IsDone().Json;
        JsonElement logits = Invocation.Of("logits", "--ids", "5,6,7", "--json", "--model", Tiny, "--compute", "float32").IsDone().Json;
        Assert.Equal(logits.GetProperty("argmax")[0].GetInt32(), completed.GetProperty("ids")[0].GetInt32());
        Assert.Equal(logits.GetProperty("argmax")[0].GetInt32(), logits.GetProperty("top")[0].GetProperty("ids")[0].GetInt32());
        Assert.Equal((3, 3, "length"),
            (completed.GetProperty("ids").GetArrayLength(), completed.GetProperty("promptTokens").GetInt32(),
            completed.GetProperty("finishReason").GetString()));
        Assert.True(completed.GetProperty("kvBytes").GetInt64() > 0);
    }

    [SkippableFact]
    public void Same_seed_gives_the_same_text()
    {
        string Ids(string seed) =>
            Invocation.Of("complete", "--ids", "5,6,7", "--max-tokens", "12", "--ignore-end", "--temperature", "2", "--seed", seed,
                "--json", "--model", Tiny).IsDone().Json.GetProperty("ids").GetRawText();
        Assert.Equal(Ids("4"), Ids("4"));
        Assert.NotEqual(Ids("4"), Ids("5"));
    }

    [SkippableFact]
    public void Logits_of_all_positions_are_written_to_a_file()
    {
        string file = _folder.Sub("logits.safetensors");
        Invocation.Of("logits", "--ids", "5,6,7", "--all", "--out", file, "--model", Tiny).IsDone();
        JsonElement told = Invocation.Of("logits", "--ids", "5,6", "--out", file + "2", "--json", "--model", Tiny).IsDone().Json;
        Assert.Equal((file + "2", 1), (told.GetProperty("file").GetString(), told.GetProperty("rows").GetInt32()));
        JsonElement tensor = Invocation.Of("inspect", file, "--json").IsDone().Json.GetProperty("tensors")[0];
        Assert.Equal(("logits", 3), (tensor.GetProperty("name").GetString(), tensor.GetProperty("shape")[0].GetInt32()));
    }

    [SkippableFact]
    public void Over_long_prompt_is_refused_with_both_counts()
    {
        string ids = string.Join(',', Enumerable.Repeat(5, 100_000));
        Invocation.Of("complete", "--ids", ids, "--model", Tiny).IsRefused("100000 tokens");
        Invocation.Of("logits", "--ids", ids, "--model", Tiny).IsRefused("100000 tokens");
        Invocation.Of("bench", "--prompt", "10000000", "--model", Tiny).IsRefused("10000000 tokens");
    }

    [SkippableTheory]
    [InlineData("999999")]
    [InlineData("-1")]
    [InlineData("1,,x")]
    [InlineData("")]
    public void Ids_that_are_none_are_refused(string ids) => Invocation.Of("logits", "--ids", ids, "--model", Tiny).IsRefused("--ids");

    [SkippableFact]
    public void Perplexity_of_both_protocols_agrees_where_they_score_the_same()
    {
        string text = _folder.File(
            "text.txt", System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("The cat sat on the mat. ", 20))));
        JsonElement whole = Invocation.Of(
            "ppl", "--file", text, "--window", "9", "--windows", "1", "--json", "--model", Tiny, "--compute", "float32").IsDone().Json;
        JsonElement decoded = Invocation.Of(
            "ppl", "--file", text, "--prefill", "1", "--score", "7", "--starts", "0", "--json", "--model", Tiny, "--compute", "float32")
            .IsDone().Json;
        Assert.Equal((8, 7), (whole.GetProperty("tokens").GetInt32(), decoded.GetProperty("tokens").GetInt32()));
        JsonElement first = Invocation.Of(
            "ppl", "--file", text, "--window", "2", "--windows", "1", "--json", "--model", Tiny, "--compute", "float32").IsDone().Json;
        double expected = whole.GetProperty("nll").GetDouble() * 8 - first.GetProperty("nll").GetDouble();
        Assert.Equal(expected, decoded.GetProperty("nll").GetDouble() * 7, 0.02);
    }

    [SkippableFact]
    public void Commands_on_ids_alone_need_no_tokenizer()
    {
        string folder = SharedData.Require("models/tiny/tiny-llama3-hf"), bare = Directory.CreateTempSubdirectory("kvasir-bare").FullName;
        try
        {
            foreach (string name in new[] { "config.json", "model.safetensors" })
                File.Copy(Path.Combine(folder, name), Path.Combine(bare, name));
            Invocation.Of("bench", "--prompt", "8", "--gen", "4", "--repeat", "1", "--json", "--model", bare).IsDone();
            Invocation.Of("logits", "--ids", "1,2,3", "--json", "--model", bare).IsDone();
            Invocation.Of("complete", "--prompt", "hi", "--model", bare).IsRefused("tokenizer.json");
        }
        finally
        {
            Directory.Delete(bare, recursive: true);
        }
    }

    [SkippableFact]
    public void Benchmark_gives_a_row_per_test_and_depth()
    {
        Invocation rows = Invocation.Of(
            "bench", "--prompt", "8", "--gen", "4", "--depth", "0,16", "--repeat", "2", "--json", "--model", Tiny).IsDone();
        JsonElement[] parsed = [.. rows.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["pp8 0", "tg4 0", "pp8 16", "tg4 16"],
            parsed.Select(row => $"{row.GetProperty("test").GetString()} {row.GetProperty("depth").GetInt32()}"));
        Assert.All(parsed, row =>
            Assert.True(row.GetProperty("min").GetDouble() <= row.GetProperty("tokensPerSecond").GetDouble()
                && row.GetProperty("tokensPerSecond").GetDouble() <= row.GetProperty("max").GetDouble()));
    }

    [SkippableFact]
    public void Inspect_tells_kinds_apart()
    {
        JsonElement gguf = Invocation.Of("inspect", Tiny, "--json").IsDone().Json;
        Assert.Equal("llama", gguf.GetProperty("metadata").GetProperty("general.architecture").GetString());
        Assert.Equal("gguf", gguf.GetProperty("kind").GetString());
        Assert.Equal("huggingface", Invocation.Of("inspect", SharedData.Require("models/tiny/tiny-llama3-hf"), "--json")
            .IsDone().Json.GetProperty("kind").GetString());
        Assert.Contains("token_embd.weight", Invocation.Of("inspect", Tiny).IsDone().Out, StringComparison.Ordinal);
        Invocation.Of("inspect", _folder.File("damaged.kv", "KVASIRKV\u0001\0\0\0\u0010\0\0\0"u8)).IsRefused("damaged.kv");
    }

    [SkippableFact]
    public void Chat_reads_lines_saves_and_loads()
    {
        string model = SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf");
        string saved = _folder.Sub("chat.kv");
        Invocation first = Invocation.With(
            $"Hello\n/kv\n/save {saved}\n/quit\nnever read\n", "chat", "--max-tokens", "4", "--temperature", "0", "--json", "--model",
            model);
        Assert.Equal(0, first.Code);
        Assert.Single(first.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("kv", Invocation.Of("inspect", saved, "--json").IsDone().Json.GetProperty("kind").GetString());
        JsonElement second = Invocation.With(
            "And now?\n", "chat", "--load", saved, "--max-tokens", "4", "--temperature", "0", "--json", "--model", model).IsDone().Json;
        Assert.True(second.GetProperty("reusedTokens").GetInt32() > 30);
    }

    [SkippableTheory]
    [InlineData("/nonsense", "/nonsense")]
    [InlineData("/load nowhere.kv", "nowhere.kv")]
    [InlineData("/save", "/save")]
    public void Chat_refuses_what_it_does_not_know(string line, string named) =>
        Invocation.With(line + "\n", "chat", "--model", SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf")).IsRefused(named);

    public void Dispose() => _folder.Dispose();
}
