using System.CommandLine;
using System.Globalization;
using Kvasir.Documents;

namespace Kvasir.Cli.Commands;

/// <summary><c>ingest</c>: documents into the store.</summary>
internal static class IngestCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("ingest", "Take documents into the store: cut, embedded, their KV computed. Only what is new or changed; goes on where it was interrupted.", "kvasir ingest handbook/ notes.md --store ./my-store");
        var documents = new Argument<string[]>("docs") { Description = "Text, Markdown, HTML, Word (docx), PDF, tables (csv, tsv), JSON Lines, source code, and folders of them", Arity = ArgumentArity.OneOrMore };
        command.Arguments.Add(documents);
        var quota = new Option<string?>("--quota") { Description = "The most bytes of KV that the store keeps from now on, or none; the least recently used makes room", HelpName = "SIZE" };
        command.Options.Add(quota);
        var library = new LibraryChoice.Options(command);
        CommonOptions common = CommonOptions.ForDocuments(command);
        command.SetAction(parsed =>
        {
            long? most = parsed.GetValue(quota) is string size ? StoreQuotaCommand.Parse(size) : null;
            using LibraryChoice open = library.Open(parsed, common, terminal);
            if (parsed.GetValue(quota) is not null) open.Library.Store.SetKvQuota(most);
            IngestReport report = open.Ingest(parsed.GetValue(documents)!, terminal);
            if (common.Json(parsed)) PrintJson(report, terminal);
            else Print(report, terminal);
            return CommandLine.Done;
        });
        return command;
    }

    private static string Without(IngestReport report) => report.ChunksWithoutKv > 0 ? $"; the quota has no room for that of {Units.Count(report.ChunksWithoutKv, "chunk")}, which is computed when a question needs it" : "";

    private static void PrintJson(IngestReport report, Terminal terminal)
    {
        SkippedReport.Write(report.Skipped, terminal.Note);
        terminal.WriteJson(new { report.Documents, report.Chunks, report.Tokens, report.KvBytes, Seconds = Units.Rounded(report.Elapsed.TotalSeconds), report.ChangedFiles, report.RemovedFiles, report.ComputedChunks, report.ConvertedChunks, report.ComputedTokens, report.ChunksWithoutKv, report.Skipped });
    }

    private static void Print(IngestReport report, Terminal terminal)
    {
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Units.Count(report.Documents, "document")}, {Units.Count(report.Chunks, "chunk")}, {Units.Count(report.Tokens, "token")}; computed {Units.Count(report.ComputedChunks, "chunk")}{Converted(report)} in {report.Elapsed.TotalSeconds:0.0} s; the store holds {Units.Bytes(report.KvBytes)} of KV{Without(report)}"));
        SkippedReport.Write(report.Skipped, terminal.Out.WriteLine);
    }

    private static string Converted(IngestReport report) => report.ConvertedChunks > 0 ? $", converted {report.ConvertedChunks} from another policy" : "";
}
