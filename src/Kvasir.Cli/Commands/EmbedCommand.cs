namespace Kvasir.Cli.Commands;

/// <summary><c>embed</c>: sentence embeddings.</summary>
internal static class EmbedCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("embed", "The embedding of a text, of length 1, by a sentence encoder.",
            "kvasir embed \"The cat sits on the mat\" --model all-MiniLM-L6-v2 --json");
        var text = command.Argument<string?>("text", "The text (default: standard input)", ArgumentArity.ZeroOrOne);
        var file = command.Option<string?>("--file -f", "FILE", "A file with the text");
        CommonOptions common = CommonOptions.ForModel(command);
        return command.Does(parsed =>
        {
            string input = TextInput.Read(parsed.GetValue(text), parsed.GetValue(file), terminal, "text");
            if (string.IsNullOrWhiteSpace(input)) throw new InvalidInputException("the text is empty; give at least one word");
            using Model model = Model.Load(ModelChoice.ResolveEmbedding(common.ModelName(parsed), terminal), common.ModelOptions(parsed));
            int windows = model.CountEmbeddingWindows(input);
            if (windows > 1)
                terminal.Note($"the text is longer than the model reads at once: the embedding is the mean of {windows} windows");
            float[] embedding = model.Embed(input);
            if (common.Json(parsed)) terminal.WriteJson(new { Embedding = embedding, Windows = windows });
            else terminal.Out.WriteLine(string.Join(' ', embedding.Select(value => $"{value:0.000000}")));
        });
    }
}
