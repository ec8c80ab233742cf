using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>What can be typed in <c>chat</c> besides messages; lines come from standard input.</summary>
public sealed class ChatCommandTests
{
    private static string Model => SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf");

    [SkippableFact]
    public void Settings_are_changed_shown_and_used()
    {
        string error = Chat("/set max_tokens 2\n/set parameter top_k 7\n/set temperature 0\n/set seed 5\n/set seed\n/set\nHello\n",
            "--json").IsDone(anyNotes: true).Error;
        foreach (string shown in new[] { "max-tokens       2", "top-k            7", "temperature      0", "seed             -" })
            Assert.Contains(shown, error, StringComparison.Ordinal);
        JsonElement reply = Chat("/set temperature 0\n/set num_predict 2\nHello\n", "--json").IsDone(anyNotes: true).Json;
        Assert.Equal(2, reply.GetProperty("ids").GetArrayLength());
    }

    [SkippableFact]
    public void System_message_and_messages_with_a_slash_reach_the_model()
    {
        int Prompt(string input) =>
            Chat(input, "--json", "--max-tokens", "1").IsDone(anyNotes: true).Json.GetProperty("promptTokens").GetInt32();
        string pirate = "You are a pirate who only ever talks about ships and the sea, and about nothing else at all.";
        int plain = Prompt("x\n"), told = Prompt($"/system {pirate}\nx\n");
        Assert.Equal(plain + 1, Prompt("//x\n"));
        Assert.Equal(told, Prompt($"/system Something else\n/set system {pirate}\nx\n"));
        Assert.NotEqual(plain, told);
        Assert.Contains("a pirate", Chat("/system You are a pirate.\n/system\n").IsDone(anyNotes: true).Out, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("/frobnicate now", "/frobnicate is unknown; /help lists")]
    [InlineData("/set colour blue", "'colour' cannot be set; there are temperature, top-k")]
    [InlineData("/set top-p 7", "top-p 7: give a number above 0, at most 1")]
    [InlineData("/set seed -1", "seed -1: give a whole number from 0")]
    [InlineData("/save", "/save needs a file's name")]
    public void Mistake_is_named(string line, string problem)
    {
        Invocation refused = Chat(line + "\n");
        Assert.Equal((2, true), (refused.Code, refused.Error.Contains(problem, StringComparison.Ordinal)));
    }

    private static Invocation Chat(string input, params string[] options) => Invocation.With(input, ["chat", "--model", Model, .. options]);
}
