namespace Kvasir.Cli.Commands;

/// <summary><c>eval vqa</c>: questions about pictures.</summary>
internal static class EvalVqaCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("vqa", "Questions about pictures, answered word for word through the cache that a policy keeps.",
            "kvasir eval vqa --data shapes/ --types color,shape,count --json",
            "kvasir eval vqa --data shapes/ --types color,shape --kv evict=prefixkv:50%,score=question,only=images,sink=0,recent=0");
        var data = command.Required("--data", "DIR", "A folder of pictures with questions.jsonl: image, type, question, answer");
        var types = command.Option<string?>("--types", "A,B", "Only questions of these types (default: all)");
        Option<string> when = EvalCommand.When(command, "question");
        var reuse = command.Choice("--reuse", "fresh|stored|recompute",
            "Each prompt is computed as it is (fresh, default), or the picture is a stored document whose KV is placed (stored), or the "
            + "prompt of that is computed anew (recompute)");
        var behind = command.Option<string?>(
            "--behind", "FILE", "A text that stands before each picture, with --reuse stored or recompute");
        var limit = command.Option<int?>("--limit", "N", "Only the first questions").InRange(1, int.MaxValue);
        var report = command.Option<string?>(
            "--report", "F.html", "Draw what each layer kept of the first pictures, and the attention that they get from the question");
        Option<string?> encoder = ImageOptions.Encoder(command);
        CommonOptions common = CommonOptions.ForSequences(command);
        return command.Does(parsed =>
        {
            KvPolicy policy = common.Policy(parsed);
            string? page = parsed.GetValue(report), before = parsed.GetValue(behind), way = parsed.GetValue(reuse);
            if (page is not null) OutputPath.Check(page);
            if (before is not null && way == "fresh") throw new InvalidInputException("--behind goes with --reuse stored or recompute");
            IReadOnlyList<VqaQuestion> questions =
                VqaQuestion.Read(parsed.GetValue(data)!, Types(parsed.GetValue(types)), parsed.GetValue(limit));
            using Model model = common.LoadTextModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            using var pictures = new PictureInput([], parsed.GetValue(encoder), common.ModelOptions(parsed));
            Func<string, IReadOnlyList<VqaQuestion>, RetrievalTest> test = way == "fresh"
                ? new VqaTest(model, pictures.Encoder(model), policy, EvalCommand.Compressed(parsed, when), terminal).Run
                : new StoredVqaTest(model, pictures.Encoder(model), policy, way == "recompute", before, terminal).Run;
            Dictionary<string, RetrievalTest> byType = questions.GroupBy(question => question.Type)
                .ToDictionary(type => type.Key, type => test(type.Key, [.. type]));
            if (page is not null)
            {
                CompressedWhen moment = EvalCommand.Compressed(parsed, when);
                File.WriteAllText(page, new PictureReport(model, pictures.Encoder(model), policy, moment, terminal).Html(questions));
            }

            Print(byType, policy, parsed.GetValue(when)!, way!, common.Json(parsed), terminal);
        });
    }

    private static string[] Types(string? list) =>
        list?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private static void Print(
        Dictionary<string, RetrievalTest> byType, KvPolicy policy, string when, string reuse, bool json, Terminal terminal)
    {
        var result = RetrievalTest.Sum(byType.Values);
        if (json)
            terminal.WriteJson(new
            {
                Accuracy = Units.Rounded(result.Accuracy, 6),
                ByType = byType.ToDictionary(type => type.Key, type => Units.Rounded(type.Value.Accuracy, 6)),
                result.Items,
                result.Right,
                result.Wrong,
                Kv = policy.ToString(),
                When = when,
                Reuse = reuse,
                result.KvBytes,
                result.KvBytesF16,
            });
        else
            terminal.Out.WriteLine($"{result.Right} of {result.Items} right ({result.Accuracy:0.0%}: "
                + $"{string.Join(", ", byType.Select(type => $"{type.Key} {type.Value.Accuracy:0.0%}"))}), KV "
                + $"{Units.Bytes(result.KvBytes)} at most ({Units.Bytes(result.KvBytesF16)} in f16)");
    }
}
