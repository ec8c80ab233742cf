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
        var documents = new Argument<string[]>("docs") { Description = "Text, Markdown, HTML and JSON Lines files, and folders of them", Arity = ArgumentArity.OneOrMore };
        command.Arguments.Add(documents);
        var library = new LibraryChoice.Options(command);
        CommonOptions common = CommonOptions.ForDocuments(command);
        command.SetAction(parsed =>
        {
            using LibraryChoice open = library.Open(parsed, common, terminal);
            IngestReport report = open.Ingest(parsed.GetValue(documents)!, terminal);
            if (common.Json(parsed)) terminal.WriteJson(new { report.Documents, report.Chunks, report.Tokens, report.KvBytes, Seconds = Units.Rounded(report.Elapsed.TotalSeconds), report.ChangedFiles, report.RemovedFiles, report.ComputedChunks, report.ConvertedChunks, report.ComputedTokens, report.Skipped });
            else terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Documents} documents, {report.Chunks} chunks, {report.Tokens} tokens; computed {report.ComputedChunks} chunks{Converted(report)} in {report.Elapsed.TotalSeconds:0.0} s; the store holds {Units.Bytes(report.KvBytes)} of KV"));
            return CommandLine.Done;
        });
        return command;
    }

    private static string Converted(IngestReport report) => report.ConvertedChunks > 0 ? $", converted {report.ConvertedChunks} from another policy" : "";
}
