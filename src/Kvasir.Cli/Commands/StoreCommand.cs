namespace Kvasir.Cli.Commands;

/// <summary><c>store</c>: what the store holds, and its care.</summary>
internal static class StoreCommand
{
    public static Command Create(Terminal terminal) =>
        new ExampleCommand("store", "Look after the store of documents.", "kvasir store ls", "kvasir store rm old-notes.md")
        {
            List(terminal),
            Stats(terminal),
            Verify(terminal),
            Remove(terminal),
            CollectGarbage(terminal),
            Repair(terminal),
            Backup(terminal),
            StoreQuotaCommand.Create(terminal),
            StoreConvertCommand.Create(terminal),
            StoreExportCommand.Create(terminal),
            StoreImportCommand.Create(terminal),
        };

    private static ExampleCommand List(Terminal terminal) => Verb("ls", "The files in the store.", terminal, (open, _, json) =>
    {
        IReadOnlyList<StoredFileInfo> files = open.List();
        IReadOnlyList<StoredKvInfo> kv = open.Statistics().Kv;
        if (json)
        {
            terminal.WriteJson(new { open.Folder, Files = files, Kv = kv });
            return;
        }

        terminal.WriteTable(["file", "documents", "chunks", "tokens", "since"], files,
            file => [file.Path, $"{file.Documents}", $"{file.Chunks}", $"{file.Tokens}", State(file.State)], 1, 2, 3);
        WriteKv(kv, terminal);
    });

    private static ExampleCommand Stats(Terminal terminal) =>
        Verb("stats", "What the store holds, in numbers.", terminal, (open, _, json) =>
    {
        StoreStatistics numbers = open.Statistics();
        if (json)
        {
            terminal.WriteJson(numbers);
            return;
        }

        terminal.Out.WriteLine(
            $"{open.Folder}: {Units.Count(numbers.Files, "file")}, {Units.Count(numbers.Documents, "document")}, "
            + $"{Units.Count(numbers.Chunks, "chunk")}, {Units.Count(numbers.Tokens, "token")}; "
            + $"catalog {Units.Bytes(numbers.CatalogBytes)}, embeddings {Units.Bytes(numbers.VectorBytes)}, "
            + $"KV {StoreQuotaCommand.Describe(numbers)}");
        WriteKv(numbers.Kv, terminal);
    });

    private static ExampleCommand Verify(Terminal terminal)
    {
        var command = new ExampleCommand("verify",
            "Check every stored KV of a model, under all policies, against its checksums; exit code 1 where something is damaged.",
            "kvasir store verify");
        var library = new LibraryChoice.Options(command);
        CommonOptions common = CommonOptions.ForDocuments(command);
        return command.Returns(parsed =>
        {
            using LibraryChoice open = library.Open(parsed, common, terminal, documents: []);
            StoreVerification outcome = open.Library.Verify(terminal.Interrupted);
            if (!common.Json(parsed)) Print(terminal, outcome, parsed);
            else
            {
                terminal.WriteJson(new
                {
                    Sound = outcome.IsSound,
                    outcome.Chunks,
                    outcome.Missing,
                    outcome.Damaged,
                    outcome.DamagedRecords,
                    outcome.DamagedVectors,
                    outcome.Kv,
                });
            }

            return outcome.IsSound ? ExitCode.Done : ExitCode.Failed;
        });
    }

    private static ExampleCommand Remove(Terminal terminal)
    {
        var path = new Argument<string>("path") { Description = "The file or folder" };
        const string Does = "Take the documents of a file, or of all files under a folder, out of the store.";
        ExampleCommand command = Verb("rm", Does, terminal, (open, parsed, json) =>
        {
            int removed = open.Remove(parsed.GetValue(path)!);
            if (removed == 0) throw new InvalidInputException($"{parsed.GetValue(path)}: not in the store; kvasir store ls shows what is");
            if (json) terminal.WriteJson(new { Removed = removed });
            else terminal.Out.WriteLine($"{Units.Count(removed, "file")} removed");
        });
        command.Arguments.Add(path);
        return command;
    }

    private static ExampleCommand CollectGarbage(Terminal terminal) =>
        Verb("gc", "Free what no stored document uses any more, and KV beyond the quota.", terminal, (open, _, json) =>
        {
            long freed = open.CollectGarbage();
            if (json) terminal.WriteJson(new { FreedBytes = freed });
            else terminal.Out.WriteLine($"{Units.Bytes(freed)} freed");
        });

    private static ExampleCommand Repair(Terminal terminal)
    {
        const string Does = "Make a damaged store's database anew from what is sound of it; KV stays. Exit code 1 where something is lost.";
        var command = new ExampleCommand("repair", Does, "kvasir store repair");
        Option<string?> store = LibraryChoice.StoreOption(command);
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Returns(parsed =>
        {
            StoreRepair report = DocumentStore.Repair(LibraryChoice.StoreFolder(parsed.GetValue(store)));
            string lost = $"{report.Lost.Count} lost, {report.Unreadable} unreadable";
            const string Mend = "; kvasir ingest DOCS... takes them in again, with the KV that is stored";
            if (common.Json(parsed)) terminal.WriteJson(report);
            else terminal.Out.WriteLine($"{Units.Count(report.Files, "file")} kept, {lost}{(report.IsWhole ? "" : Mend)}");
            if (!common.Json(parsed)) report.Lost.ToList().ForEach(file => terminal.Out.WriteLine($"lost: {file}"));
            return report.IsWhole ? ExitCode.Done : ExitCode.Failed;
        });
    }

    private static ExampleCommand Backup(Terminal terminal)
    {
        var file = new Argument<string>("file") { Description = "The file to write or replace; as store.db in a folder it is a store" };
        const string Does = "Write a copy of the database (texts, words, embeddings; no KV) while the store is in use.";
        ExampleCommand command = Verb("backup", Does, terminal, (open, parsed, json) =>
        {
            string path = parsed.GetValue(file)!;
            OutputPath.Check(path);
            open.Backup(path);
            long bytes = new FileInfo(path).Length;
            if (json) terminal.WriteJson(new { File = Path.GetFullPath(path), Bytes = bytes });
            else terminal.Out.WriteLine($"{path}: {Units.Bytes(bytes)}");
        });
        command.Arguments.Add(file);
        return command;
    }

    /// <summary>A command on the store alone, without a model.</summary>
    private static ExampleCommand Verb(string name, string description, Terminal terminal, Action<DocumentStore, ParseResult, bool> run)
    {
        string argument = name switch { "rm" => " old-notes.md", "backup" => " handbook.db", _ => "" };
        var command = new ExampleCommand(name, description, $"kvasir store {name}{argument}");
        Option<string?> store = LibraryChoice.StoreOption(command);
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            using DocumentStore open = Open(parsed, store, terminal);
            run(open, parsed, common.Json(parsed));
        });
    }

    internal static DocumentStore Open(ParseResult parsed, Option<string?> store, Terminal terminal, bool create = false) =>
        DocumentStore.Open(LibraryChoice.StoreFolder(parsed.GetValue(store)), create, StoreWarnings.To(terminal, parsed));

    private static void Print(Terminal terminal, StoreVerification outcome, ParseResult parsed)
    {
        foreach (SkippedFile damaged in outcome.Damaged) terminal.Out.WriteLine($"damaged: {damaged.Path}: {damaged.Reason}");
        foreach (ShelfVerification kv in outcome.Kv)
        {
            terminal.Out.WriteLine($"{kv.Policy}: {Units.Count(kv.Chunks, "chunk")} checked, "
                + $"{Units.Count(kv.Damaged.Count, "file")} damaged, {Units.Count(kv.Missing, "chunk")} without KV");
        }

        StoreMend mend = outcome.DamagedRecords > 0 ? StoreMend.Repair : StoreMend.IngestAll;
        string how = outcome.IsSound ? "" : $"; to mend it: {StoreWarnings.Command(mend, parsed)}";
        terminal.Out.WriteLine($"{Units.Count(outcome.DamagedRecords, "damaged record")} in the catalog, "
            + $"{Units.Count(outcome.DamagedVectors, "document")} with lost or damaged embeddings{how}");
    }

    /// <summary>Shows how far an export or import is.</summary>
    internal static IProgress<TransferProgress> Bar(ProgressLine line) =>
        ProgressLine.Of<TransferProgress>(value => line.Report(value.Bytes, value.TotalBytes, Units.Bytes(value.Bytes)));

    private static string State(StoredFileState state) => state == StoredFileState.Current ? "" : state.ToString().ToLowerInvariant();

    private static void WriteKv(IReadOnlyList<StoredKvInfo> kv, Terminal terminal) =>
        terminal.WriteTable(["model", "policy", "chunks", "KV", "tokens/s"], kv,
            shelf => [shelf.Model, shelf.Policy, $"{shelf.Chunks}", Units.Bytes(shelf.Bytes), $"{shelf.TokensPerSecond:0}"], 2, 3, 4);
}
