namespace Kvasir.Cli.Commands;

/// <summary><c>store export</c>: stored documents with their KV as one file.</summary>
internal static class StoreExportCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "export",
            "Write stored documents with texts, embeddings and KV as one file for the store of another machine.",
            "kvasir store export handbook/ --out handbook.kvx",
            "kvasir store export notes.md --out notes.kvx --kv k=kivi4,v=kivi4 --key-file secret.key");
        var path = command.Argument<string>("path", "A stored file, or a folder of stored files");
        var output = command.Required("--out -o", "FILE", "The file to write");
        var model = command.Option<string?>(
            "--model -m", "NAME", "Only the KV of this model: its file's name, or how its identity begins (default: all)");
        var kv = command.Option<string?>("--kv", "POLICY", "Only the KV kept under this policy (default: all)");
        Option<string?> store = LibraryChoice.StoreOption(command);
        var key = new ExportKeyOption(command, "A secret to sign the file with, so that its importer knows it is yours");
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            string file = parsed.GetValue(output)!;
            OutputPath.Check(file);
            var options = new ExportOptions
            {
                Model = parsed.GetValue(model),
                Policy = parsed.GetValue(kv) is string policy ? KvPolicy.Parse(policy) : null,
                Key = key.Read(parsed),
            };
            using DocumentStore open = StoreCommand.Open(parsed, store, terminal);
            using var line = new ProgressLine(terminal, "export");
            ExportReport report = open.Export(parsed.GetValue(path)!, file, options, StoreCommand.Bar(line), terminal.Interrupted);
            line.Dispose();
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    File = file,
                    report.Files,
                    report.Documents,
                    report.Chunks,
                    report.Bytes,
                    Signed = options.Key is not null,
                    report.Kv,
                });
            else Print(file, report, terminal);
        });
    }

    private static void Print(string file, ExportReport report, Terminal terminal)
    {
        terminal.Out.WriteLine($"{file}: {Units.Count(report.Files, "file")}, {Units.Count(report.Documents, "document")}, "
            + $"{Units.Count(report.Chunks, "chunk")}; {Units.Bytes(report.Bytes)}");
        foreach (StoredKvInfo kv in report.Kv)
            terminal.Out.WriteLine($"{kv.Model} as {kv.Policy}: KV of {Units.Count(kv.Chunks, "chunk")}, {Units.Bytes(kv.Bytes)}");
        if (report.Kv.Count == 0) terminal.Out.WriteLine("no KV is stored for them: texts and embeddings only");
    }
}
