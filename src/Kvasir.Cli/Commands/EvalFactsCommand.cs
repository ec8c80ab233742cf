namespace Kvasir.Cli.Commands;

/// <summary><c>eval facts</c>: questions about short documents, answered from stored or recomputed KV.</summary>
internal static class EvalFactsCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "facts",
            "Questions about short documents, from their stored KV or with everything recomputed; the documents before each question are "
                + "given, or found as ask does.",
            "kvasir eval facts --data facts/ --k 5 --repair 32",
            "kvasir eval facts --data facts/ --k 5 --reuse recompute",
            "kvasir eval facts --data facts/ --context retrieved --form g");
        var data = command.Required("--data", "PATH", "A folder with docs.jsonl, questions.jsonl and contexts.jsonl");
        var count = command.Choice("--k", "2|5", "Documents before each question");
        var reuse = command.Choice(
            "--reuse", "stored|recompute", "Stored KV is placed (stored, default), or the whole prompt computed (recompute)");
        var form = command.Choice("--form", "h|g", "The answer's first words are given (h, default: 8 tokens), or not (g: 20 tokens)");
        var context = command.Choice(
            "--context", "given|retrieved",
            "The documents named in contexts.jsonl (given, default), or those that ask finds, with its instruction (retrieved)");
        var limit = command.Option<int?>("--limit", "N", "Only the first questions").InRange(1, int.MaxValue);
        var placing = new PlacingOptions(command);
        var library = new LibraryChoice.Options(command, placing);
        var emphasis = new EmphasisOptions(command);
        var terms = command.Flag("--emphasise-terms", "Emphasise the sentences that share most words with the question");
        CommonOptions common = CommonOptions.ForDocuments(command);
        return command.Does(parsed =>
        {
            int documents = parsed.GetValue(count) == "5" ? 5 : 2;
            FactsData facts = FactsData.Read(parsed.GetValue(data)!, documents, parsed.GetValue(limit));
            using var folder = new TemporaryStore();
            using LibraryChoice open = library.Open(parsed, common, terminal, documents: null, folder.Path);
            var options = new AskOptions
            {
                Repair = placing.Repair(parsed),
                Recompute = parsed.GetValue(reuse) == "recompute",
                Emphasis = open.Emphasis(emphasis, parsed, parsed.GetValue(terms)),
                EmphasiseTerms = parsed.GetValue(terms),
            };
            bool retrieved = parsed.GetValue(context) == "retrieved", begun = parsed.GetValue(form) == "h";
            FactsTest result = FactsTest.Run(open.Library, facts, retrieved, begun, options, terminal);
            long bytesF16 = result.ContextTokens * open.BytesPerTokenF16;
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    Accuracy = Units.Rounded(result.Accuracy, 6),
                    result.Items,
                    result.Right,
                    result.Wrong,
                    K = documents,
                    Reuse = parsed.GetValue(reuse),
                    Form = parsed.GetValue(form),
                    Context = parsed.GetValue(context),
                    Place = parsed.GetValue<string>("--place"),
                    Repair = options.Recompute ? "off" : options.Repair.ToString(),
                    Kv = common.Policy(parsed).ToString(),
                    MeanTokens = Units.Rounded(result.MeanTokens),
                    MeanRepaired = Units.Rounded(result.MeanRepaired),
                    result.KvBytes,
                    KvBytesF16 = bytesF16,
                });
            else
                terminal.Out.WriteLine($"{result.Right} of {result.Items} right ({result.Accuracy:0.0%}); {result.MeanTokens:0} tokens "
                    + $"before a question, {result.MeanRepaired:0} of them repaired; KV {Units.Bytes(result.KvBytes)} at most "
                    + $"({Units.Bytes(bytesF16)} in f16)");
        });
    }
}
