namespace Kvasir.Cli.Tests;

public class UsageTests
{
    public static TheoryData<string> Commands => new(
        "ask", "ingest", "read", "store", "store ls", "store stats", "store verify", "store rm", "store gc", "store quota", "store export",
            "store import", "chat", "complete", "tokenize", "template",
        "logits", "embed", "ppl", "eval", "eval passkey", "eval vqa",
            "compare", "profile", "profile auto", "train", "bench", "inspect", "doctor",
            "serve",
            "mcp",
            "models",
            "models ls",
            "models pull");

    [Theory]
    [MemberData(nameof(Commands))]
    public void Help_ends_with_an_example(string command)
    {
        Invocation help = Invocation.Of([.. command.Split(' '), "--help"]).IsDone();
        string example = help.Out[help.Out.IndexOf("Example:", StringComparison.Ordinal)..];
        Assert.Contains("kvasir " + command.Split(' ')[0], example, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Unknown_flag_is_refused_with_a_hint(string command)
    {
        Invocation refused = Invocation.Of([.. command.Split(' '), "--frobnicate"]);
        refused.IsRefused($"see kvasir {command} --help");
    }

    [Fact]
    public void Unknown_command_is_refused() => Invocation.Of("frobnicate").IsRefused("frobnicate");

    [Fact]
    public void No_arguments_show_in_three_lines_what_to_do_next()
    {
        string[] lines = Invocation.Of().IsDone().Out.TrimEnd().Split(Environment.NewLine);
        Assert.Equal(3, lines.Length);
        foreach ((int i, string command) in new[] { "kvasir ask ", "kvasir chat", "kvasir --help" }.Index())
            Assert.Contains(command, lines[i], StringComparison.Ordinal);
    }

    [Fact]
    public void Version_is_shown() => Assert.StartsWith("0.", Invocation.Of("--version").IsDone().Out, StringComparison.Ordinal);

    [Theory]
    [InlineData("complete", "--prompt", "x", "--temperature", "hot")]
    [InlineData("complete", "--prompt", "x", "--compute", "int3")]
    [InlineData("complete", "--prompt", "x", "--threads", "-3")]
    [InlineData("bench", "--repeat", "many")]
    public void Value_of_the_wrong_kind_is_refused(params string[] args) => Invocation.Of(args).IsRefused(args[^1]);

    [Theory]
    [InlineData("--seed -1: give a whole number from 0 to 18446744073709551615; without --seed chance decides", "complete", "--seed", "-1")]
    [InlineData("--seed x: give a whole number from 0", "chat", "--seed", "x")]
    [InlineData("--threads 1.5: give a whole number from 0 to 1024 (0: one per physical core)", "ppl", "--file", "x", "--threads", "1.5")]
    [InlineData("--temperature -1: give a number, 0 or more", "complete", "--temperature", "-1")]
    [InlineData("--temperature NaN: give a number, 0 or more", "chat", "--temperature", "NaN")]
    [InlineData("--top-k -3: give a whole number from 0", "chat", "--top-k", "-3")]
    [InlineData("--top-p 0: give a number above 0, at most 1", "complete", "--top-p", "0")]
    [InlineData("--min-p 1.1: give a number from 0 to 1", "complete", "--min-p", "1.1")]
    [InlineData("--repeat-penalty 0: give a number above 0", "complete", "--repeat-penalty", "0")]
    [InlineData("--max-tokens 0: give a whole number from 1", "complete", "--max-tokens", "0")]
    [InlineData("--passages 0: give a whole number from 1 to 1000", "ask", "Why?", "--passages", "0")]
    [InlineData("--min-score many: give a number from 0 to 1", "ask", "Why?", "--min-score", "many")]
    [InlineData("--chunk-tokens 3: give a whole number from 16 to 8192", "ingest", "x", "--chunk-tokens", "3")]
    [InlineData("--window 1: give a whole number from 2", "ppl", "--file", "x", "--window", "1")]
    [InlineData("--limit 0: give a whole number from 1", "eval", "passkey", "--data", "x", "--limit", "0")]
    [InlineData("--gen 99999999999: give a whole number from 0", "bench", "--gen", "99999999999")]
    [InlineData("--passkey -1: give a whole number from 0 to 10000", "compare", "--policies", "k=f32", "--passkey", "-1")]
    public void Number_out_of_its_range_is_refused_with_the_rule(string rule, params string[] args) => Invocation.Of(args).IsRefused(rule);

    [Theory]
    [InlineData("--compute int3: give int8 or float32", "complete", "--prompt", "x", "--compute", "int3")]
    [InlineData("--ids is missing", "logits")]
    [InlineData("--out needs a value", "profile", "auto", "--out")]
    [InlineData("--prompt was given more than once", "complete", "-p", "a", "-p", "b")]
    [InlineData("no documents were named", "ingest")]
    [InlineData("pull needs <name>", "models", "pull")]
    [InlineData("store needs one of ls, stats, verify", "store")]
    public void What_is_missing_or_wrong_is_named_with_what_is_right(string problem, params string[] args) =>
        Invocation.Of(args).IsRefused(problem);

    [Theory]
    [InlineData("k=f16,colour=blue", "colour")]
    [InlineData("k=f7", "f7")]
    public void Impossible_policy_is_refused(string policy, string term)
    {
        Invocation.Of("complete", "--prompt", "x", "--kv", policy).IsRefused(term);
        Invocation.Of("chat", "--kv", policy).IsRefused(term);
        Invocation.Of("bench", "--kv", policy).IsRefused(term);
        Invocation.Of("logits", "--ids", "1", "--kv", policy).IsRefused(term);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("../../etc/passwd.gguf")]
    public void Model_that_cannot_be_pulled_is_refused(string name) => Invocation.Of("models", "pull", name).IsRefused(name);

    [Fact]
    public void Models_that_can_be_pulled_are_listed() =>
        Assert.Contains("SmolLM2-135M-Instruct", Invocation.Of("models", "ls", "--all", "--json").IsDone().Json.GetProperty("pullable")
            .EnumerateArray().Select(model => model.GetProperty("name").GetString()));

    [Fact]
    public void Interrupted_command_exits_with_130()
    {
        using var stdin = new MemoryStream();
        using var stdout = new StringWriter();
        using var stderr = new StringWriter();
        using var terminal = new Terminal(stdin, stdout, stderr);
        Assert.True(terminal.Interrupt());
        Assert.False(terminal.Interrupt());
        Assert.Equal(ExitCode.Interrupted, CommandLine.Run(["--version"], terminal));
    }
}
