using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>What runs of the program keep for one another: long prompts, and conversations saved after every reply.</summary>
public sealed class PromptCacheTests : IDisposable
{
    private static readonly string Ids = string.Join(',', Enumerable.Range(0, 600).Select(i => 5 + i * i % 97));
    private readonly TemporaryFolder _folder = new();

    private static string Chatty => SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf");

    private string Prompts => _folder.Sub("prompts");

    [SkippableFact]
    public void A_long_prompt_is_reused_by_the_next_run()
    {
        // The same ids whichever way the prompt is cut only where rounding does not depend on it.
        string[] exact = ["--prompt-cache", Prompts, "--compute", "float32", "--threads", "1"];
        JsonElement first = Complete(exact), second = Complete(exact);
        Assert.Equal((0, 576), (first.GetProperty("reusedTokens").GetInt32(), second.GetProperty("reusedTokens").GetInt32()));
        Assert.Equal(first.GetProperty("ids").GetRawText(), second.GetProperty("ids").GetRawText());
        Assert.Equal(0, Complete("--prompt-cache", "off").GetProperty("reusedTokens").GetInt32());
        Assert.Equal(3, Directory.GetFiles(Prompts).Length);
    }

    [SkippableFact]
    public void The_size_of_the_cache_is_kept_to()
    {
        Complete("--prompt-cache", Prompts, "--prompt-cache-size", "1KB");
        Assert.Empty(Directory.GetFiles(Prompts));
    }

    [SkippableTheory]
    [InlineData("--prompt-cache-size", "many")]
    [InlineData("--prompt-cache-size", "25%")]
    public void A_size_that_is_none_is_refused(string option, string value) =>
        Invocation.Of("complete", "--ids", Ids, option, value, "--model", Chatty).IsRefused(option);

    [SkippableFact]
    public void A_file_in_place_of_the_folder_is_refused()
    {
        string file = _folder.File("file", "x"u8);
        Invocation.Of("complete", "--ids", Ids, "--prompt-cache", file, "--model", Chatty).IsRefused(file);
    }

    [SkippableFact]
    public void A_chat_is_saved_after_every_reply_and_goes_on()
    {
        string saved = _folder.Sub("talk.kv");
        Chat("Hello\nMy name is Ada.\n", "--save", saved).IsDone();
        Assert.Equal([saved], Directory.GetFiles(_folder.Path));
        Chat("Hello\n", "--save", saved).IsRefused("exists already");
        Chat("Hello\n", "--save", saved, "--load", _folder.File("other.kv", "x"u8)).IsRefused("exists already");
        JsonElement third = Chat("What is my name?\n", "--load", saved, "--save", saved).IsDone().Json;
        Assert.True(third.GetProperty("reusedTokens").GetInt32() > 40);
        JsonElement fourth = Chat("And mine?\n", "--load", saved).IsDone().Json;
        Assert.True(fourth.GetProperty("reusedTokens").GetInt32() > third.GetProperty("promptTokens").GetInt32());
    }

    [SkippableFact]
    public void A_chat_cannot_be_saved_where_nothing_can_be_written() =>
        Chat("Hello\n", "--save", Path.Combine(_folder.Sub("nowhere"), "talk.kv")).IsRefused("nowhere");

    public void Dispose() => _folder.Dispose();

    private static JsonElement Complete(params string[] more) =>
        Invocation.Of(["complete", "--ids", Ids, "--max-tokens", "4", "--ignore-end", "--json", "--model", Chatty, .. more]).IsDone().Json;

    private static Invocation Chat(string lines, params string[] more)
    {
        Invocation run = Invocation.With(lines, ["chat", "--max-tokens", "4", "--temperature", "0", "--json", "--model", Chatty, .. more]);
        return run with { Out = run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "" };
    }
}
