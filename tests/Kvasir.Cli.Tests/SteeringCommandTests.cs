using System.Text.Json;
using Kvasir.Tokenization;

namespace Kvasir.Cli.Tests;

/// <summary>Emphasis, head profiles, and the synthetic retrieval tasks, from the command line.</summary>
public sealed class SteeringCommandTests : IDisposable
{
    private const string Story = "In this story, the sun is cold. Question: Is the sun hot or cold? Answer: The sun is";

    private readonly TemporaryFolder _folder = new();

    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    private static string Real => SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf");

    [SkippableFact]
    public void An_emphasised_text_changes_the_answer_and_equals_its_span()
    {
        string Answer(params string[] how) =>
            Invocation.Of(["complete", "--prompt", Story, "--max-tokens", "1", "--json", "--model", Real, .. how])
                .IsDone().Json.GetProperty("text").GetString()!;
        Assert.Equal(" hot", Answer());
        Assert.Equal(" cold", Answer("--emphasise", "the sun is cold"));
        Assert.Equal(" cold", Answer("--kv", "steer=0:9"));
        Invocation.Of("complete", "--prompt", Story, "--emphasise", "the moon", "--model", Real).IsRefused("'the moon'");
    }

    [SkippableFact]
    public void What_cannot_be_emphasised_is_refused()
    {
        string ids = "1,2,3,4,5,6";
        Invocation With(params string[] how) => Invocation.Of(["complete", "--ids", ids, "--max-tokens", "1", "--model", Tiny, .. how]);
        With("--emphasise", "2:4").IsRefused("profile pasta");
        With("--emphasis-alpha", "0.1").IsRefused("--emphasise");
        With("--emphasise", "").IsRefused("--emphasise");
        With("--emphasise", "2:4", "--kv", "steer=1:2@0").IsRefused("exclude");
        With("--prompt-tokens", "3").IsRefused("--prompt-tokens");
        With("--kv", "steer=2:9@0").IsRefused("2:9");
        With("--kv", "steer=2:4@7").IsRefused("head 7");
        With("--kv", "steer=2:5@0", "--prompt-tokens", "4").IsRefused("4 tokens");
        With("--kv", "steer=2:4@0", "--prompt-tokens", "4").IsDone();
        Invocation.Of("ingest", _folder.File("a.txt", "text"u8), "--store", _folder.Sub("store"), "--kv", "steer=1:2@0", "--model", Real,
            "--embedder", SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf")).IsRefused("steer=1:2@0");
    }

    /// <summary>Behind the prompt tokens count as generated, in one pass as well.</summary>
    [SkippableFact]
    public void Logits_and_perplexity_take_steering_and_the_length_of_the_prompt()
    {
        double[] Sums(params string[] how) => [.. Invocation.Of(
            ["logits", "--ids", "5,6,7,8,9,10,11", "--all", "--json", "--compute", "float32", "--model", Tiny, .. how])
            .IsDone().Json.GetProperty("logSumExp").EnumerateArray().Select(sum => sum.GetDouble())];
        double[] plain = Sums(), steered = Sums("--kv", "steer=2:4@all"), shorter = Sums("--kv", "steer=2:4@all", "--prompt-tokens", "5");
        Assert.Equal(plain[..2], steered[..2]);
        Assert.NotEqual(plain[2], steered[2], 1e-4);
        Assert.Equal(steered[..5], shorter[..5]);
        Assert.NotEqual(steered[5], shorter[5], 1e-4);
        string text = _folder.File("t.txt", "The cat sat on the mat, and the dog lay beside it on the floor."u8);
        string[] ppl = ["ppl", "--file", text, "--prefill", "6", "--score", "2", "--windows", "1", "--json", "--model", Tiny];
        double Nll(params string[] how) => Invocation.Of([.. ppl, .. how]).IsDone().Json.GetProperty("nll").GetDouble();
        Assert.NotEqual(Nll(), Nll("--kv", "steer=2:4@all"));
        Assert.Equal(Nll("--kv", "steer=2:4@all"), Nll("--kv", "steer=2:4@all", "--prompt-tokens", "6"));
    }

    [SkippableFact]
    public void A_profile_serves_emphasis_and_policies()
    {
        string path = _folder.Sub("heads.json"), data = _folder.File("task.json", """
            [{"emphasised": "The door is red.", "rest": "The door was blue. The door is", "new": " red", "old": " blue"},
             {"token_ids": [3, 4, 5, 6], "span": [1, 3], "new_id": 7}]
            """u8);
        JsonElement made = Invocation.Of("profile", "pasta", "--data", data, "--heads", "3", "--out", path, "--json", "--model", Tiny)
            .IsDone().Json;
        string[] heads = [.. made.GetProperty("heads").EnumerateArray().Select(head => head.GetString()!)];
        Assert.Equal(3, heads.Length);
        Assert.Equal(heads, made.GetProperty("ranking").EnumerateArray().Take(3).Select(gain => gain.GetProperty("head").GetString()!));
        string[] complete = ["complete", "--ids", "1,2,3,4,5,6", "--max-tokens", "4", "--json", "--model", Tiny];
        string Ids(params string[] how) => Invocation.Of([.. complete, .. how]).IsDone().Json.GetProperty("ids").GetRawText();
        string explicitly = Ids("--kv", $"steer=2:4@{string.Join('+', heads)}*0.001");
        Assert.Equal(explicitly, Ids("--emphasise", "2:4", "--head-profile", path, "--emphasis-alpha", "0.001"));
        Assert.Equal(explicitly, Ids("--kv", $"steer=2:4*0.001,profile={path}"));
        Invocation.Of("profile", "pasta", "--layers", "99", "--out", path, "--model", Tiny).IsRefused("99 layers");
        Invocation.Of("profile", "pasta", "--layers", "1", "--heads", "1", "--out", path, "--model", Tiny).IsRefused("exclude");
        Invocation.Of("profile", "pasta", "--data", _folder.Sub("none.json"), "--out", path, "--model", Tiny).IsRefused("none.json");
    }

    [SkippableFact]
    public void Chat_emphasises_what_was_said_and_tells_what_was_not()
    {
        Invocation talk = Invocation.With("Hello\nThe moon is up.\n", "chat", "--emphasise", "The moon", "--max-tokens", "2",
            "--temperature", "0", "--json", "--model", Real);
        Assert.Equal(0, talk.Code);
        Assert.Equal(2, talk.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Single(talk.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
            line.Contains("'The moon'", StringComparison.Ordinal));
    }

    [SkippableFact]
    public void Synthetic_tasks_hold_their_answers_and_come_from_their_seed()
    {
        using Kvasir.Models.Model model = Kvasir.Models.Model.Load(Tiny);
        Tokenizer tokenizer = model.Tokenizer;
        foreach (string task in RetrievalTasks.Names)
        {
            IReadOnlyList<RetrievalPrompt> prompts = RetrievalTasks.Make(task, tokenizer, 4, 600, seed: 3);
            Assert.Equal(prompts.Select(prompt => prompt.Context), RetrievalTasks.Make(task, tokenizer, 4, 600, seed: 3)
                .Select(prompt => prompt.Context));
            Assert.NotEqual(prompts[0].Context, RetrievalTasks.Make(task, tokenizer, 4, 600, seed: 4)[0].Context);
            Assert.NotEqual(prompts[0].Context, prompts[1].Context);
            foreach (RetrievalPrompt prompt in prompts)
            {
                Assert.InRange(prompt.Context.Length, 540, 640);
                // The context itself says all of the answer, the question nothing of it.
                Assert.Equal(1, prompt.Score(prompt.Context));
                Assert.Equal(0, prompt.Score(tokenizer.Encode("I do not know.")));
            }
        }
    }

    /// <summary>Parts of the answer that are said count.</summary>
    [SkippableFact]
    public void Scores_are_the_share_of_the_parts_that_are_said()
    {
        using Kvasir.Models.Model model = Kvasir.Models.Model.Load(Tiny);
        RetrievalPrompt prompt = RetrievalTasks.Make("multivalue", model.Tokenizer, 1, 400, seed: 1)[0];
        string context = model.Tokenizer.Decode(prompt.Context);
        string[] codes = [.. System.Text.RegularExpressions.Regex.Matches(context, "[0-9]{6}").Select(match => match.Value)];
        Assert.Equal(4, codes.Distinct().Count());
        Assert.Equal(0.5, prompt.Score(model.Tokenizer.Encode($" {codes[3]} and {codes[0]}, {codes[0]}")));
        RetrievalPrompt common = RetrievalTasks.Make("common", model.Tokenizer, 1, 600, seed: 1)[0];
        string[] often = [.. System.Text.RegularExpressions.Regex.Matches(model.Tokenizer.Decode(common.Context), "[a-z]+-[a-z]+")
            .CountBy(match => match.Value).OrderByDescending(word => word.Value).Take(10).Select(word => word.Key)];
        Assert.Equal(1, common.Score(model.Tokenizer.Encode(string.Join(", ", often))));
    }

    [SkippableFact]
    public void Retrieval_is_measured_by_task()
    {
        JsonElement result = Invocation.Of(
            "eval", "retrieval", "--items", "2", "--tokens", "120", "--tasks", "single,variables", "--kv", "k=kivi4,v=kivi4", "--when",
                "question",
            "--json", "--model", Tiny).IsDone().Json;
        Assert.Equal(4, result.GetProperty("items").GetInt32());
        JsonElement tasks = result.GetProperty("byTask");
        Assert.Equal(["single", "variables"], tasks.EnumerateObject().Select(task => task.Name));
        Assert.Equal(result.GetProperty("accuracy").GetDouble(), tasks.EnumerateObject()
            .Average(task => task.Value.GetProperty("accuracy").GetDouble()), 1e-6);
        Assert.True(result.GetProperty("kvBytes").GetInt64() < result.GetProperty("kvBytesF16").GetInt64());
        Invocation.Of("eval", "retrieval", "--tasks", "single,other", "--model", Tiny).IsRefused("other");
        Invocation.Of("eval", "retrieval", "--tasks", "single", "--tokens", "600", "--model", Tiny).IsRefused("512");
    }

    public void Dispose() => _folder.Dispose();
}
