namespace Kvasir.Cli.Commands;

/// <summary><c>eval</c>: how often the answers through a policy's cache are right.</summary>
internal static class EvalCommand
{
    public static Command Create(Terminal terminal) =>
        new ExampleCommand("eval", "Accuracy on a data set, through the cache that a policy keeps.",
            "kvasir eval passkey --data passkey.json --kv k=kivi4,v=kivi4")
        {
            Passkey(terminal),
            EvalRetrievalCommand.Create(terminal),
            EvalFactsCommand.Create(terminal),
            EvalVqaCommand.Create(terminal),
        };

    /// <summary>The option --when.</summary>
    public static Option<string> When(ExampleCommand command, string usual = "context") => command.Choice(
        "--when", "context|question",
        $"The context is compressed before the question is known (context), or together with it (question); {usual} unless given", usual);

    public static CompressedWhen Compressed(ParseResult parsed, Option<string> when) =>
        parsed.GetValue(when) == "question" ? CompressedWhen.Question : CompressedWhen.Context;

    /// <exception cref="InvalidInputException">A prompt is longer than the model's context.</exception>
    public static void CheckLengths(IEnumerable<RetrievalPrompt> prompts, Model model, string source)
    {
        foreach (RetrievalPrompt prompt in prompts)
            if (prompt.Length > model.Config.ContextLength)
                throw new InvalidInputException($"{source}: {prompt.Name} needs {prompt.Length} tokens, but the model's "
                    + $"context holds {model.Config.ContextLength}");
    }

    private static ExampleCommand Passkey(Terminal terminal)
    {
        var command = new ExampleCommand("passkey", "Find a key of five digits in a long text; prompts and answers are given as token ids.",
            "kvasir eval passkey --data passkey.json --kv k=kivi4,v=kivi4 --json",
            "kvasir eval passkey --data passkey.json --when question --limit 10");
        var data = command.Required(
            "--data", "PATH", "JSON with \"items\" of \"context_ids\", \"question_ids\" and \"answer_ids\", or a folder with passkey.json");
        Option<string> when = When(command);
        var limit = command.Option<int?>("--limit", "N", "Only the first prompts").InRange(1, int.MaxValue);
        CommonOptions common = CommonOptions.ForSequences(command);
        return command.Does(parsed =>
        {
            KvPolicy policy = common.Policy(parsed);
            IReadOnlyList<RetrievalPrompt> prompts = PasskeyFile.Read(parsed.GetValue(data)!, parsed.GetValue(limit));
            using Model model = common.LoadModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            CheckLengths(prompts, model, parsed.GetValue(data)!);
            RetrievalTest result = RetrievalTest.Run(model, policy, prompts, Compressed(parsed, when), terminal, "pass-key");
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    Accuracy = Units.Rounded(result.Accuracy, 6),
                    result.Items,
                    result.Right,
                    result.Wrong,
                    Kv = policy.ToString(),
                    When = parsed.GetValue(when),
                    result.KvBytes,
                    result.KvBytesF16,
                });
            else
                terminal.Out.WriteLine($"{result.Right} of {result.Items} right ({result.Accuracy:0.0%}), KV {Units.Bytes(result.KvBytes)} "
                    + $"at most ({Units.Bytes(result.KvBytesF16)} in f16)");
        });
    }
}
