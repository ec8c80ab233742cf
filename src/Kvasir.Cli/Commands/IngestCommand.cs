namespace Kvasir.Cli.Commands;

/// <summary><c>ingest</c>: documents into the store.</summary>
internal static class IngestCommand
{
    /// <summary>KV from which on it is said how much it is, where it is many times the text.</summary>
    private const long MuchKv = 64L << 20, ManyTimes = 100;

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "ingest",
            "Take documents into the store: cut, embedded, their KV computed. Only what is new or changed; goes on where it was "
                + "interrupted.",
            "kvasir ingest handbook/ notes.md --store ./my-store");
        var documents = command.Argument<string[]>(
            "docs",
            "Text, Markdown, HTML, Word (docx), PDF, tables (csv, tsv), JSON Lines, source code, and folders of "
            + "them", ArgumentArity.ZeroOrMore);
        var quota = command.Option<string?>(
            "--quota", "SIZE", "The most bytes of KV that the store keeps from now on, or none; the least recently used makes room");
        var stored = command.Flag("--stored", "All files that the store has documents of, as they are now; mends what was damaged of them");
        var force = command.Flag(
            "--force", "Read and cut also files whose time and size say that they have not changed; KV of equal chunks is kept");
        var library = new LibraryChoice.Options(command);
        CommonOptions common = CommonOptions.ForDocuments(command);
        return command.Does(parsed =>
        {
            long? most = parsed.GetValue(quota) is string size ? StoreQuotaCommand.Parse(size) : null;
            string[] named = parsed.GetValue(documents)!;
            if (named.Length == 0 && !parsed.GetValue(stored))
                throw new InvalidInputException("no documents were named; give files or folders, or --stored for all that the store has");
            using LibraryChoice open = library.Open(parsed, common, terminal, named);
            if (parsed.GetValue(quota) is not null) open.Library.Store.SetKvQuota(most);
            if (parsed.GetValue(stored)) named = [.. named, .. open.Library.Store.Paths()];
            IngestReport report = open.Ingest(named, parsed.GetValue(force), terminal);
            long textBytes = open.Library.Store.Statistics().TextBytes;
            if (common.Json(parsed)) PrintJson(report, textBytes, terminal);
            else Print(report, Size(report.KvBytes, textBytes, open), terminal);
        });
    }

    private static string Without(IngestReport report) => report.ChunksWithoutKv > 0
        ? $"; the quota has no room for that of {Units.Count(report.ChunksWithoutKv, "chunk")}, which is computed when a question needs it"
        : "";

    /// <summary>How many bytes of KV the stored texts have become, and what makes it fewer; empty where they are not many.</summary>
    private static string Size(long kvBytes, long textBytes, LibraryChoice open)
    {
        if (kvBytes < MuchKv || kvBytes < ManyTimes * textBytes) return "";
        double share = open.ShareUnder(KvPolicy.Parse("k=kivi2,v=kivi2"));
        string fewerBits = share < 0.9 ? $"--kv k=kivi2,v=kivi2 (about {Units.Bytes((long)(share * kvBytes))}), " : "";
        return $"{Units.Bytes(textBytes)} of text became {Units.Bytes(kvBytes)} of KV; fewer bytes: {fewerBits}--thin-store 50% (about "
            + "half, costs answers), or kvasir store quota SIZE (the rest is computed when it is needed)";
    }

    private static void PrintJson(IngestReport report, long textBytes, Terminal terminal)
    {
        SkippedReport.Write(report, terminal.Note);
        terminal.WriteJson(new
        {
            report.Documents,
            report.Chunks,
            report.Tokens,
            TextBytes = textBytes,
            report.KvBytes,
            Seconds = Units.Rounded(report.Elapsed.TotalSeconds),
            report.ChangedFiles,
            report.RemovedFiles,
            report.ComputedChunks,
            report.ConvertedChunks,
            report.ComputedTokens,
            report.ChunksWithoutKv,
            report.Skipped,
            report.Incomplete,
        });
    }

    private static void Print(IngestReport report, string size, Terminal terminal)
    {
        terminal.Out.WriteLine($"{Units.Count(report.Documents, "document")}, {Units.Count(report.Chunks, "chunk")}, "
            + $"{Units.Count(report.Tokens, "token")}; computed {Units.Count(report.ComputedChunks, "chunk")}{Converted(report)} in "
            + $"{report.Elapsed.TotalSeconds:0.0} s; the store holds {Units.Bytes(report.KvBytes)} of KV{Without(report)}");
        if (size.Length > 0) terminal.Out.WriteLine(size);
        SkippedReport.Write(report, terminal.Out.WriteLine);
    }

    private static string Converted(IngestReport report) => report.ConvertedChunks > 0
        ? $", converted {report.ConvertedChunks} from another policy"
        : "";
}
