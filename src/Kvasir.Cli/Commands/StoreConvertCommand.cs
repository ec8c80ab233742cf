namespace Kvasir.Cli.Commands;

/// <summary><c>store convert</c>: the stored KV under another policy, without computing it anew.</summary>
internal static class StoreConvertCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "convert",
            "Bring a model's stored KV to another policy: read, checked and encoded anew, not computed. Goes on where it was interrupted.",
            "kvasir store convert --kv k=kivi4,v=kivi4 --remove");
        Option<string?> store = LibraryChoice.StoreOption(command);
        var from = command.Option<string?>("--from", "POLICY", "The policy it is kept under now (default: the one there is)");
        var remove = command.Flag("--remove", "Remove the KV under the old policy when all of it has been converted and checked");
        CommonOptions common = CommonOptions.ForSequences(command);
        return command.Returns(parsed =>
        {
            KvPolicy target = common.GivenPolicy(parsed)
                ?? throw new InvalidInputException("the policy to convert to is missing; give one as in --kv k=kivi4,v=kivi4");
            var options = new KvConversionOptions
            {
                From = parsed.GetValue(from) is string text ? KvPolicy.Parse(text) : null,
                RemoveSource = parsed.GetValue(remove),
            };
            using DocumentStore open = StoreCommand.Open(parsed, store, terminal);
            using Model model = Model.Load(common.ModelPath(parsed, terminal), common.ModelOptions(parsed));
            target = CommonOptions.Prepare(target, model, terminal);
            using var line = new ProgressLine(terminal, "convert");
            IProgress<KvConversionProgress> bar = ProgressLine.Of<KvConversionProgress>(value =>
                line.Report(value.FilesDone, value.Files, $"{value.FilesDone} of {Units.Count(value.Files, "file")}"));
            KvConversionReport report = open.ConvertKv(model, target, options, bar, terminal.Interrupted);
            line.Dispose();
            if (common.Json(parsed)) terminal.WriteJson(Fields(report));
            else Print(report, terminal);
            return report.Damaged.Count == 0
                ? ExitCode.Done
                : throw new WorkFailedException($"{report.Damaged.Count} damaged KV files were set aside and not converted; ingesting "
                    + "their documents again computes them anew");
        });
    }

    private static object Fields(KvConversionReport report) => new
    {
        report.From,
        report.To,
        report.Files,
        report.Skipped,
        report.Tokens,
        report.BytesBefore,
        report.BytesAfter,
        Seconds = Units.Rounded(report.Elapsed.TotalSeconds),
        Removed = report.SourceRemoved,
        report.Damaged,
    };

    private static void Print(KvConversionReport report, Terminal terminal)
    {
        foreach (SkippedFile damaged in report.Damaged) terminal.Out.WriteLine($"damaged: {damaged.Path}: {damaged.Reason}");
        string skipped = report.Skipped > 0 ? $" ({Units.Count(report.Skipped, "file")} there already)" : "";
        string removed = report.SourceRemoved ? "; the old KV was removed" : "";
        terminal.Out.WriteLine(
            $"{report.From} to {report.To}: {Units.Count(report.Files, "file")}, {Units.Count(report.Tokens, "token")} "
            + $"in {report.Elapsed.TotalSeconds:0.0} s{skipped}; "
            + $"{Units.Bytes(report.BytesBefore)} became {Units.Bytes(report.BytesAfter)}{removed}");
    }
}
