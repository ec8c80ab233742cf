namespace Kvasir.Cli.Options;

/// <summary>A prompt: <c>--prompt</c>, <c>--file</c>, standard input, or its token ids with <c>--ids</c>.</summary>
internal sealed class PromptOptions(ExampleCommand command)
{
    private readonly Option<string?> _prompt = command.Option<string?>("--prompt -p", "TEXT", "The text (default: standard input)");
    private readonly Option<string?> _file = command.Option<string?>("--file -f", "FILE", "A file with the text");

    private readonly Option<string?> _ids = command.Option<string?>(
        "--ids", "1,2,3", "Token ids instead of a text, fed exactly as given");

    /// <summary>Reads what is given, before a model is loaded; the ids of it by a model.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="terminal">Its standard input may be the text.</param>
    /// <param name="pictures">Pictures that stand in the text; null for a command without.</param>
    /// <exception cref="InvalidInputException">
    /// Both a text and ids were given, or the text cannot be read; by a model: it has no tokens.
    /// </exception>
    public Func<Model, int[]> Read(ParseResult parsed, Terminal terminal, PictureInput? pictures = null)
    {
        string? prompt = parsed.GetValue(_prompt), file = parsed.GetValue(_file);
        if (parsed.GetValue(_ids) is string ids)
        {
            if (pictures?.Files.Count > 0) throw new InvalidInputException("--image needs a text; leave --ids out");
            return (prompt ?? file) is null
                ? model => IdList.ParseIds(ids, "--ids", model.Config.Vocabulary)
                : throw new InvalidInputException("both a text and --ids were given; give one of them");
        }

        string text = TextInput.Read(prompt, file, terminal, "prompt");
        return model =>
        {
            int[] tokens = pictures?.Encode(model, text) ?? model.Tokenizer.Encode(text, parseSpecial: true, addSpecial: true);
            return tokens.Length > 0 ? tokens : throw new InvalidInputException("the prompt is empty; give at least one token");
        };
    }
}
