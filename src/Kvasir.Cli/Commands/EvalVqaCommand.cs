using Kvasir.Vision;

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
        var limit = command.Option<int?>("--limit", "N", "Only the first questions").InRange(1, int.MaxValue);
        Option<string?> encoder = ImageOptions.Encoder(command);
        CommonOptions common = CommonOptions.ForSequences(command);
        return command.Does(parsed =>
        {
            KvPolicy policy = common.Policy(parsed);
            string[] wanted =
                parsed.GetValue(types)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
            IReadOnlyList<VqaQuestion> questions = VqaQuestion.Read(parsed.GetValue(data)!, wanted, parsed.GetValue(limit));
            using Model model = common.LoadTextModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            using var pictures = new PictureInput([], parsed.GetValue(encoder), common.ModelOptions(parsed));
            var embeddings = new InputEmbeddings(model.Config.Width);
            Dictionary<string, EncodedImage> images = questions.Select(question => question.Image).Distinct()
                .ToDictionary(file => file, pictures.Encoder(model).Encode);
            Dictionary<string, RetrievalTest> byType = questions.GroupBy(question => question.Type).ToDictionary(type => type.Key, type =>
            {
                RetrievalPrompt[] prompts = [.. type.Select(question => question.Prompt(model, images[question.Image], embeddings))];
                EvalCommand.CheckLengths(prompts, model, parsed.GetValue(data)!);
                return RetrievalTest.Run(model, policy, prompts, EvalCommand.Compressed(parsed, when), terminal, type.Key, embeddings);
            });
            var result = RetrievalTest.Sum(byType.Values);
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    Accuracy = Units.Rounded(result.Accuracy, 6),
                    ByType = byType.ToDictionary(type => type.Key, type => Units.Rounded(type.Value.Accuracy, 6)),
                    result.Items,
                    result.Right,
                    result.Wrong,
                    Kv = policy.ToString(),
                    When = parsed.GetValue(when),
                    result.KvBytes,
                    result.KvBytesF16,
                });
            else
                terminal.Out.WriteLine($"{result.Right} of {result.Items} right ({result.Accuracy:0.0%}: "
                    + $"{string.Join(", ", byType.Select(type => $"{type.Key} {type.Value.Accuracy:0.0%}"))}), KV "
                    + $"{Units.Bytes(result.KvBytes)} at most ({Units.Bytes(result.KvBytesF16)} in f16)");
        });
    }
}
