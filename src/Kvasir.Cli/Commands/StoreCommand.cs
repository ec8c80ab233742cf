using System.CommandLine;

namespace Kvasir.Cli.Commands;

/// <summary><c>store</c>: what the store holds, and its care.</summary>
internal static class StoreCommand
{
    public static Command Create(Terminal terminal) =>
        new ExampleCommand("store", "Look after the store of documents.", "kvasir store ls\nkvasir store rm old-notes.md")
        {
            List(terminal),
            Stats(terminal),
            Verify(terminal),
            Remove(terminal),
            CollectGarbage(terminal),
            StoreQuotaCommand.Create(terminal),
            StoreConvertCommand.Create(terminal),
            StoreExportCommand.Create(terminal),
            StoreImportCommand.Create(terminal),
        };

    private static Command List(Terminal terminal)
    {
        Command command = Verb("ls", "The files in the store.", out Option<string?> store, out CommonOptions common);
        command.SetAction(parsed =>
        {
            using DocumentStore open = Open(parsed, store, terminal);
            IReadOnlyList<StoredFileInfo> files = open.List();
            IReadOnlyList<StoredKvInfo> kv = open.Statistics().Kv;
            if (common.Json(parsed))
            {
                terminal.WriteJson(new { open.Folder, Files = files, Kv = kv });
                return ExitCode.Done;
            }

            terminal.WriteTable(["file", "documents", "chunks", "tokens", "since"], files.Select(file => (IReadOnlyList<string>)
                [file.Path, $"{file.Documents}", $"{file.Chunks}", $"{file.Tokens}", file.State == StoredFileState.Current ? "" : file.State.ToString().ToLowerInvariant()]), 1, 2, 3);
            WriteKv(kv, terminal);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Stats(Terminal terminal)
    {
        Command command = Verb("stats", "What the store holds, in numbers.", out Option<string?> store, out CommonOptions common);
        command.SetAction(parsed =>
        {
            using DocumentStore open = Open(parsed, store, terminal);
            StoreStatistics numbers = open.Statistics();
            if (common.Json(parsed))
            {
                terminal.WriteJson(numbers);
                return ExitCode.Done;
            }

            terminal.Out.WriteLine($"{open.Folder}: {Units.Count(numbers.Files, "file")}, {Units.Count(numbers.Documents, "document")}, {Units.Count(numbers.Chunks, "chunk")}, {Units.Count(numbers.Tokens, "token")}; catalog {Units.Bytes(numbers.CatalogBytes)}, embeddings {Units.Bytes(numbers.VectorBytes)}, KV {StoreQuotaCommand.Describe(numbers)}");
            WriteKv(numbers.Kv, terminal);
            return ExitCode.Done;
        });
        return command;
    }

    private static ExampleCommand Verify(Terminal terminal)
    {
        var command = new ExampleCommand("verify", "Check every stored KV of a model, under all policies, against its checksums; exit code 1 where something is damaged.", "kvasir store verify");
        var library = new LibraryChoice.Options(command);
        CommonOptions common = CommonOptions.ForDocuments(command);
        command.SetAction(parsed =>
        {
            using LibraryChoice open = library.Open(parsed, common, terminal);
            StoreVerification outcome = open.Library.Verify(terminal.Interrupted);
            if (common.Json(parsed)) terminal.WriteJson(new { Sound = outcome.IsSound, outcome.Chunks, outcome.Missing, outcome.Damaged, outcome.DamagedRecords, outcome.DamagedVectors, outcome.Kv });
            else Print(terminal, outcome);
            return outcome.IsSound ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static Command Remove(Terminal terminal)
    {
        Command command = Verb("rm", "Take the documents of a file, or of all files under a folder, out of the store.", out Option<string?> store, out CommonOptions common);
        var path = new Argument<string>("path") { Description = "The file or folder" };
        command.Arguments.Add(path);
        command.SetAction(parsed =>
        {
            using DocumentStore open = Open(parsed, store, terminal);
            int removed = open.Remove(parsed.GetValue(path)!);
            if (removed == 0) throw new InvalidInputException($"{parsed.GetValue(path)}: not in the store; kvasir store ls shows what is");
            if (common.Json(parsed)) terminal.WriteJson(new { Removed = removed });
            else terminal.Out.WriteLine($"{Units.Count(removed, "file")} removed");
            return ExitCode.Done;
        });
        return command;
    }

    private static Command CollectGarbage(Terminal terminal)
    {
        Command command = Verb("gc", "Free what no stored document uses any more, and KV beyond the quota.", out Option<string?> store, out CommonOptions common);
        command.SetAction(parsed =>
        {
            using DocumentStore open = Open(parsed, store, terminal);
            long freed = open.CollectGarbage();
            if (common.Json(parsed)) terminal.WriteJson(new { FreedBytes = freed });
            else terminal.Out.WriteLine($"{Units.Bytes(freed)} freed");
            return ExitCode.Done;
        });
        return command;
    }

    private static ExampleCommand Verb(string name, string description, out Option<string?> store, out CommonOptions common)
    {
        var command = new ExampleCommand(name, description, name == "rm" ? "kvasir store rm old-notes.md" : $"kvasir store {name}");
        store = LibraryChoice.StoreOption();
        command.Options.Add(store);
        common = CommonOptions.ForOutput(command);
        return command;
    }

    internal static DocumentStore Open(ParseResult parsed, Option<string?> store, Terminal terminal, bool create = false) =>
        DocumentStore.Open(LibraryChoice.StoreFolder(parsed.GetValue(store)), create, StoreWarnings.To(terminal, parsed));

    private static void Print(Terminal terminal, StoreVerification outcome)
    {
        foreach (SkippedFile damaged in outcome.Damaged) terminal.Out.WriteLine($"damaged: {damaged.Path}: {damaged.Reason}");
        foreach (ShelfVerification kv in outcome.Kv) terminal.Out.WriteLine($"{kv.Policy}: {Units.Count(kv.Chunks, "chunk")} checked, {Units.Count(kv.Damaged.Count, "file")} damaged, {Units.Count(kv.Missing, "chunk")} without KV");
        terminal.Out.WriteLine($"{Units.Count(outcome.DamagedRecords, "damaged record")} in the catalog, {Units.Count(outcome.DamagedVectors, "document")} with lost or damaged embeddings{(outcome.IsSound ? "" : "; kvasir ingest --stored mends what it can")}");
    }

    private static void WriteKv(IReadOnlyList<StoredKvInfo> kv, Terminal terminal) =>
        terminal.WriteTable(["model", "policy", "chunks", "KV", "tokens/s"], kv.Select(shelf => (IReadOnlyList<string>)
            [shelf.Model, shelf.Policy, $"{shelf.Chunks}", Units.Bytes(shelf.Bytes), shelf.TokensPerSecond?.ToString("0", CultureInfo.InvariantCulture) ?? ""]), 2, 3, 4);
}
