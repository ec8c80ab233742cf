namespace Kvasir.Cli.Commands;

/// <summary><c>eval retrieval</c>: synthetic tasks on long contexts.</summary>
internal static class EvalRetrievalCommand
{
    private const int DefaultTokens = 1000, LongestQuestion = 192, MaxTokens = 1 << 22;

    public static ExampleCommand Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "retrieval",
            "Synthetic tasks in the form of RULER, made up from a seed: a hidden code (single), one among others (multikey), several "
                + "of one thing (multivalue), values handed from variable to variable (variables), the most common and the most frequent "
                + "words of a list (common, frequent).",
            "kvasir eval retrieval --tokens 1000 --kv k=kivi4,v=kivi4",
            "kvasir eval retrieval --tasks single,variables --items 20 --when question --json");
        var tasks = command.Option("--tasks", "A,B", "Which tasks", string.Join(',', RetrievalTasks.Names));
        var items = command.Option("--items", "N", "Prompts of each task", 10).InRange(1, 100_000);
        var tokens = command.Option<int?>("--tokens", "N",
            "Tokens of each context, about (default 1000, less where the model's context is shorter)").InRange(1, MaxTokens);
        Option<string> when = EvalCommand.When(command);
        CommonOptions common = CommonOptions.ForSequences(command);
        return command.Does(parsed =>
        {
            KvPolicy policy = common.Policy(parsed);
            string[] names = parsed.GetValue(tasks)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (names.Length == 0 || names.Except(RetrievalTasks.Names).FirstOrDefault() is not null
                || names.Distinct().Count() < names.Length)
                throw new InvalidInputException(
                    $"--tasks {parsed.GetValue(tasks)}: give some of {string.Join(',', RetrievalTasks.Names)}, each once");
            ulong seed = common.Seed(parsed) ?? 1;
            using Model model = common.LoadTextModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            int length = parsed.GetValue(tokens) ?? Math.Clamp(model.Config.ContextLength - LongestQuestion, 1, DefaultTokens);
            var prompts = names.ToDictionary(name => name, name =>
                RetrievalTasks.Make(name, model.Tokenizer, parsed.GetValue(items), length, seed));
            EvalCommand.CheckLengths(prompts.Values.SelectMany(some => some), model, $"--tokens {length}");
            CompressedWhen compressed = EvalCommand.Compressed(parsed, when);
            Dictionary<string, RetrievalTest> results =
                names.ToDictionary(name => name, name => RetrievalTest.Run(model, policy, prompts[name], compressed, terminal, name));
            RetrievalTest all = RetrievalTest.Sum(results.Values);
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    Accuracy = Units.Rounded(all.Accuracy, 6),
                    all.Items,
                    all.Right,
                    ByTask = results.ToDictionary(pair => pair.Key, pair =>
                        new { Accuracy = Units.Rounded(pair.Value.Accuracy, 6), pair.Value.Items, pair.Value.Right }),
                    Tokens = length,
                    Seed = seed,
                    Kv = policy.ToString(),
                    When = parsed.GetValue(when),
                    all.KvBytes,
                    all.KvBytesF16,
                });
            else
            {
                terminal.WriteTable(["task", "score", "all of it"], results, pair =>
                    [pair.Key, $"{pair.Value.Accuracy:0.0%}", $"{pair.Value.Right} of {pair.Value.Items}"], 1, 2);
                terminal.Out.WriteLine(
                    $"{all.Accuracy:0.0%} on average, KV {Units.Bytes(all.KvBytes)} at most ({Units.Bytes(all.KvBytesF16)} in f16)");
            }
        });
    }
}
