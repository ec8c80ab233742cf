namespace Kvasir.Cli.Commands;

/// <summary><c>tokenize</c>: text to ids, and back.</summary>
internal static class TokenizeCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("tokenize", "Turn text into token ids, or ids into text.",
            "kvasir tokenize \"Hello there\"", "kvasir tokenize --decode 19556,665");
        var text = command.Argument<string?>(
            "text", "The text, or the ids with --decode (default: standard input)", ArgumentArity.ZeroOrOne);
        var file = command.Option<string?>("--file -f", "FILE", "A file with the text or the ids");
        var decode = command.Flag("--decode", "Turn ids (1,2,3) into text");
        var noSpecial = command.Flag("--no-special", "Treat special tokens as text");
        var addSpecial = command.Flag("--add-special", "Add begin and end tokens as the model's file asks for");
        CommonOptions common = CommonOptions.ForModelFile(command);
        return command.Does(parsed =>
        {
            bool toText = parsed.GetValue(decode);
            string input = TextInput.Read(parsed.GetValue(text), parsed.GetValue(file), terminal, toText ? "list of ids" : "text");
            using ModelFile model = ModelFiles.Open(common.ModelPath(parsed, terminal));
            Tokenizer tokenizer = Tokenizer.Load(model);
            bool json = common.Json(parsed), plain = parsed.GetValue(noSpecial);
            if (toText)
            {
                string decoded = tokenizer.Decode(IdList.ParseIds(input, "the list of ids", tokenizer.VocabularySize), skipSpecial: plain);
                if (json) terminal.WriteJson(new { Text = decoded });
                else terminal.Out.WriteLine(decoded);
            }
            else
            {
                int[] ids = tokenizer.Encode(input, parseSpecial: !plain, addSpecial: parsed.GetValue(addSpecial));
                if (json) terminal.WriteJson(new { Ids = ids });
                else terminal.Out.WriteLine(string.Join(',', ids));
            }
        });
    }
}
