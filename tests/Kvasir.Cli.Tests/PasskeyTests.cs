using System.Text.Json;
using Kvasir.Models;

namespace Kvasir.Cli.Tests;

public sealed class PasskeyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Real => SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf");

    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    /// <summary>
    /// In float32 with one thread: with 8-bit activations a code rounded the other way may change an answer, and how sums are rounded
    /// depends on the CPU and the threads.
    /// </summary>
    [SkippableTheory]
    [InlineData("context")]
    [InlineData("question")]
    public void Given_prompts_are_answered_right(string when)
    {
        string data = SharedData.Require("golden/eviction/passkey");
        JsonElement result = Invocation.Of(
            "eval", "passkey", "--data", data, "--when", when, "--limit", "3", "--compute", "float32", "--threads", "1", "--json",
            "--model", Real).IsDone().Json;
        Assert.Equal((1.0, 3), (result.GetProperty("accuracy").GetDouble(), result.GetProperty("items").GetInt32()));
        Assert.Equal(result.GetProperty("kvBytesF16").GetInt64(), result.GetProperty("kvBytes").GetInt64());
    }

    [SkippableFact]
    public void Prompts_made_up_are_answered_right()
    {
        using Model model = Model.Load(Real, new ModelOptions { Compute = ComputeMode.Float32, Threads = 1 });
        using Terminal terminal = new(Stream.Null, TextWriter.Null, TextWriter.Null);
        IReadOnlyList<RetrievalPrompt> prompts = PasskeyPrompts.Make(model.Tokenizer, 4, 300, 1);
        Assert.Equal(4, RetrievalTest.Run(model, Kvasir.Cache.KvPolicy.Default, prompts, CompressedWhen.Context, terminal, "").Right);
    }

    [SkippableFact]
    public void Prompts_made_up_have_the_wanted_length_and_the_key_at_even_depths()
    {
        using Model model = Model.Load(Real);
        IReadOnlyList<RetrievalPrompt> prompts = PasskeyPrompts.Make(model.Tokenizer, 5, 500, 7);
        Assert.All(prompts, prompt => Assert.InRange(prompt.Context.Length, 480, 501));
        double[] depths = [.. prompts.Select(prompt => KeyDepth(model.Tokenizer.Decode(prompt.Context), prompt.Name[..5]))];
        for (int i = 0; i < depths.Length; i++) Assert.Equal((i + 0.5) / 5, depths[i], 0.12);
        Assert.All(prompts, prompt => Assert.Equal(1, prompt.Score(model.Tokenizer.Encode($" {prompt.Name[..5]}."))));
        Assert.All(prompts, prompt => Assert.Equal(0, prompt.Score(model.Tokenizer.Encode(" 12.<|im_end|>" + prompt.Name[..5]))));
    }

    [SkippableTheory]
    [InlineData("", "JSON")]
    [InlineData("[]", "items")]
    [InlineData("{\"items\":[]}", "items")]
    [InlineData("{\"items\":[7]}", "item 0")]
    [InlineData("{\"items\":[{\"context_ids\":[1],\"question_ids\":[2]}]}", "answer_ids")]
    [InlineData("{\"items\":[{\"context_ids\":[1],\"question_ids\":[2.5],\"answer_ids\":[3]}]}", "2.5")]
    [InlineData("{\"items\":[{\"context_ids\":[99999999],\"question_ids\":[2],\"answer_ids\":[3]}]}", "99999999")]
    public void Damaged_data_is_refused(string json, string named) =>
        Invocation.Of("eval", "passkey", "--data", _folder.File("data.json", Encoding.UTF8.GetBytes(json)), "--model", Tiny)
            .IsRefused(named);

    [SkippableFact]
    public void Prompt_beyond_the_context_is_refused()
    {
        string context = string.Join(',', Enumerable.Repeat(5, 600));
        string json = $$"""{"items":[{"id":"long","context_ids":[{{context}}],"question_ids":[2],"answer_ids":[3]}]}""";
        Invocation.Of("eval", "passkey", "--data", _folder.File("data.json", Encoding.UTF8.GetBytes(json)), "--model", Tiny)
            .IsRefused("long needs 602 tokens");
    }

    public void Dispose() => _folder.Dispose();

    private static double KeyDepth(string text, string key) => (double)text.IndexOf(key, StringComparison.Ordinal) / text.Length;
}
