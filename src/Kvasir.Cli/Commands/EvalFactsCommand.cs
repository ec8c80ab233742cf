using System.CommandLine;

namespace Kvasir.Cli.Commands;

/// <summary><c>eval facts</c>: questions about short documents, answered from stored or recomputed KV.</summary>
internal static class EvalFactsCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("facts", "Questions about short documents, from their stored KV or with everything recomputed; the documents before each question are given, or found as ask does.", "kvasir eval facts --data facts/ --k 5 --repair 32\nkvasir eval facts --data facts/ --k 5 --reuse recompute\nkvasir eval facts --data facts/ --context retrieved --form g");
        var data = new Option<string>("--data") { Description = "A folder with docs.jsonl, questions.jsonl and contexts.jsonl", HelpName = "PATH", Required = true };
        var count = new Option<int>("--k") { Description = "Documents before each question", HelpName = "2|5", DefaultValueFactory = _ => 2 };
        var reuse = new Option<string>("--reuse") { Description = "Stored KV is placed (stored, default), or the whole prompt computed (recompute)", HelpName = "stored|recompute", DefaultValueFactory = _ => "stored" };
        var form = new Option<string>("--form") { Description = "The answer's first words are given (h, default: 8 tokens), or not (g: 20 tokens)", HelpName = "h|g", DefaultValueFactory = _ => "h" };
        var context = new Option<string>("--context") { Description = "The documents named in contexts.jsonl (given, default), or those that ask finds, with its instruction (retrieved)", HelpName = "given|retrieved", DefaultValueFactory = _ => "given" };
        var limit = new Option<int?>("--limit") { Description = "Only the first questions", HelpName = "N" }.InRange(1, int.MaxValue);
        count.AcceptOnlyFromAmong("2", "5");
        reuse.AcceptOnlyFromAmong("stored", "recompute");
        form.AcceptOnlyFromAmong("h", "g");
        context.AcceptOnlyFromAmong("given", "retrieved");
        foreach (Option option in new Option[] { data, count, reuse, form, context, limit }) command.Options.Add(option);
        var placing = new PlacingOptions(command);
        var library = new LibraryChoice.Options(command, placing);
        CommonOptions common = CommonOptions.ForDocuments(command);
        command.SetAction(parsed =>
        {
            FactsData facts = FactsData.Read(parsed.GetValue(data)!, parsed.GetValue(count), parsed.GetValue(limit));
            var options = new AskOptions { Repair = placing.Repair(parsed), Recompute = parsed.GetValue(reuse) == "recompute" };
            using var folder = new TemporaryStore();
            using LibraryChoice open = library.Open(parsed, common, terminal, folder.Path);
            FactsTest result = FactsTest.Run(open.Library, facts, parsed.GetValue(context) == "retrieved", parsed.GetValue(form) == "h", options, terminal);
            long bytesF16 = result.ContextTokens * open.BytesPerTokenF16;
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    Accuracy = Units.Rounded(result.Accuracy, 6),
                    result.Items,
                    result.Right,
                    result.Wrong,
                    K = parsed.GetValue(count),
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
            else terminal.Out.WriteLine(FormattableString.Invariant($"{result.Right} of {result.Items} right ({result.Accuracy:0.0%}); {result.MeanTokens:0} tokens before a question, {result.MeanRepaired:0} of them repaired; KV {Units.Bytes(result.KvBytes)} at most ({Units.Bytes(bytesF16)} in f16)"));
            return ExitCode.Done;
        });
        return command;
    }
}
