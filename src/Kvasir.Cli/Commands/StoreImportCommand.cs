namespace Kvasir.Cli.Commands;

/// <summary><c>store import</c>: takes in what <c>store export</c> has written.</summary>
internal static class StoreImportCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "import",
            "Take documents with their KV from an exported file into the store; no model is needed. All of the file is checked first.",
            "kvasir store import handbook.kvx", "kvasir store import notes.kvx --as notes.md --key-file secret.key");
        var file = command.Argument<string>("file", "A file that store export has written");
        var path = command.Option<string?>(
            "--as", "PATH", "The path to store the documents under (default: where they were exported from)");
        Option<string?> store = LibraryChoice.StoreOption(command);
        var key = new ExportKeyOption(command, "The secret that the file must have been signed with");
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            var options = new ImportOptions { As = parsed.GetValue(path), Key = key.Read(parsed) };
            if (options.As is { Length: 0 }) throw new InvalidInputException("--as: the path is empty");
            StoreTransfer.CheckExported(parsed.GetValue(file)!, options.Key);
            using DocumentStore open = StoreCommand.Open(parsed, store, terminal, create: true);
            using var line = new ProgressLine(terminal, "import");
            ImportReport report = open.Import(parsed.GetValue(file)!, options, StoreCommand.Bar(line), terminal.Interrupted);
            line.Dispose();
            if (report.Signed && options.Key is null) terminal.Note("the file is signed, but was not checked: no key was given");
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    report.Files,
                    report.ChangedFiles,
                    report.Documents,
                    report.Chunks,
                    report.KvFiles,
                    report.KvBytes,
                    report.KvFilesLeftOut,
                    report.Signed,
                    Checked = report.Signed && options.Key is not null,
                });
            else
                terminal.Out.WriteLine($"{Units.Count(report.Files, "file")}, {Units.Count(report.Documents, "document")}, "
                    + $"{Units.Count(report.Chunks, "chunk")}: {Units.Count(report.ChangedFiles, "file")} and "
                    + $"{Units.Count(report.KvFiles, "KV file")} ({Units.Bytes(report.KvBytes)}) are new "
                    + $"here{(report.KvFilesLeftOut > 0 ? $"; the quota has no room for {report.KvFilesLeftOut} more" : "")}");
        });
    }
}
