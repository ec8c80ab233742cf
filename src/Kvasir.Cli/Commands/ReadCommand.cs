namespace Kvasir.Cli.Commands;

/// <summary><c>read</c>: the text that documents are read as, for looking at what is searched and answered from.</summary>
internal static class ReadCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("read", "Print the text that documents are read as: what is searched and answered from.",
            "kvasir read report.pdf prices.csv --chunks");
        var files = command.Argument<string[]>("files", "Documents, and folders of them", ArgumentArity.OneOrMore);
        var chunks = command.Flag("--chunks", "Show where the text is cut, by the model's tokens");
        Option<int> chunkTokens = LibraryChoice.ChunkTokensOption(command);
        Option<bool> comments = LibraryChoice.CommentsOption(command);
        CommonOptions common = CommonOptions.ForModelFile(command);
        return command.Returns(parsed =>
        {
            Func<string, int>? count = parsed.GetValue(chunks) ? TokenCounter(common.ModelPath(parsed, terminal)) : null;
            var options = new LibraryOptions { ChunkTokens = parsed.GetValue(chunkTokens), Comments = parsed.GetValue(comments) };
            int code = ExitCode.Done;
            foreach (ReadFile file in ReadFile.Under(parsed.GetValue(files)!, count, options, terminal.Interrupted))
            {
                if (common.Json(parsed)) terminal.WriteJson(file);
                else Print(file, terminal);
                if (file is { Named: true, Skipped: not null }) code = ExitCode.BadInput;
            }

            return code;
        });
    }

    private static Func<string, int> TokenCounter(string modelPath)
    {
        using ModelFile model = ModelFiles.Open(modelPath);
        Tokenizer tokenizer = Tokenizer.Load(model);
        return text => tokenizer.Encode(text, parseSpecial: false, addSpecial: false).Length;
    }

    private static void Print(ReadFile file, Terminal terminal)
    {
        foreach (string remark in file.Skipped is { } reason ? [reason] : file.Notes ?? [])
            terminal.Error.WriteLine($"kvasir: {file.File}: {remark}");
        if (file.Text is null) return;
        if (file.Chunks is null) terminal.Out.WriteLine(file.Text);
        foreach ((int i, ReadChunk chunk) in (file.Chunks ?? []).Index())
        {
            terminal.Out.WriteLine($"── {Path.GetFileName(file.File)}, part {i + 1}: {chunk.Title} ({chunk.Tokens} tokens)");
            terminal.Out.WriteLine(chunk.Text.TrimEnd());
        }
    }
}
