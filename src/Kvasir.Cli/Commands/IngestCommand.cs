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
        var library = new LibraryChoice.Options(command);
        CommonOptions common = CommonOptions.ForSequences(command);
        command.SetAction(parsed =>
        {
            using LibraryChoice open = library.Open(parsed, common, terminal);
            IngestReport report = open.Ingest(parsed.GetValue(documents)!, terminal);
            if (common.Json(parsed)) PrintJson(report, terminal);
            else Print(report, terminal);
            return CommandLine.Done;
        });
        return command;
    }

    private static void PrintJson(IngestReport report, Terminal terminal)
    {
        SkippedReport.Write(report.Skipped, terminal.Note);
        terminal.WriteJson(new { report.Documents, report.Chunks, report.Tokens, report.KvBytes, Seconds = Units.Rounded(report.Elapsed.TotalSeconds), report.ChangedFiles, report.RemovedFiles, report.ComputedChunks, report.ConvertedChunks, report.ComputedTokens, report.Skipped });
    }

    private static void Print(IngestReport report, Terminal terminal)
    {
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Documents} documents, {report.Chunks} chunks, {report.Tokens} tokens; computed {report.ComputedChunks} chunks{Converted(report)} in {report.Elapsed.TotalSeconds:0.0} s; the store holds {Units.Bytes(report.KvBytes)} of KV"));
        SkippedReport.Write(report.Skipped, terminal.Out.WriteLine);
    }

    private static string Converted(IngestReport report) => report.ConvertedChunks > 0 ? $", converted {report.ConvertedChunks} from another policy" : "";
}
