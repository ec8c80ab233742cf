namespace Kvasir.Cli.Options;

/// <summary>A prompt: <c>--prompt</c>, <c>--file</c>, standard input, or its token ids with <c>--ids</c>.</summary>
internal sealed class PromptOptions(ExampleCommand command)
{
    private readonly Option<string?> _prompt = command.Option<string?>("--prompt -p", "TEXT", "The text (default: standard input)");
    private readonly Option<string?> _file = command.Option<string?>("--file -f", "FILE", "A file with the text");

    private readonly Option<string?> _ids = command.Option<string?>(
        "--ids", "1,2,3", "Token ids instead of a text, fed exactly as given");

    /// <summary>Reads what is given, before a model is loaded; the ids of it by a model.</summary>
    /// <exception cref="InvalidInputException">Both a text and ids were given, or the text cannot be read.</exception>
    public Func<Model, int[]> Read(ParseResult parsed, Terminal terminal)
    {
        string? prompt = parsed.GetValue(_prompt), file = parsed.GetValue(_file);
        if (parsed.GetValue(_ids) is string ids)
            return (prompt ?? file) is null
                ? model => IdList.ParseIds(ids, "--ids", model.Config.Vocabulary)
                : throw new InvalidInputException("both a text and --ids were given; give one of them");
        string text = TextInput.Read(prompt, file, terminal, "prompt");
        return model => model.Tokenizer.Encode(text, parseSpecial: true, addSpecial: true);
    }
}
