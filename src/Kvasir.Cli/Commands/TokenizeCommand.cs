using System.CommandLine;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Cli.Commands;

/// <summary><c>tokenize</c>: text to ids, and back.</summary>
internal static class TokenizeCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("tokenize", "Turn text into token ids, or ids into text.", "kvasir tokenize \"Hello there\"\nkvasir tokenize --decode 19556,665");
        var text = new Argument<string?>("text") { Description = "The text, or the ids with --decode (default: standard input)", Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--file", "-f") { Description = "A file with the text or the ids", HelpName = "FILE" };
        var decode = new Option<bool>("--decode") { Description = "Turn ids (1,2,3) into text" };
        var noSpecial = new Option<bool>("--no-special") { Description = "Treat special tokens as text" };
        var addSpecial = new Option<bool>("--add-special") { Description = "Add begin and end tokens as the model's file asks for" };
        command.Arguments.Add(text);
        command.Options.Add(file);
        command.Options.Add(decode);
        command.Options.Add(noSpecial);
        command.Options.Add(addSpecial);
        CommonOptions common = CommonOptions.ForModelFile(command);
        command.SetAction(parsed =>
        {
            bool toText = parsed.GetValue(decode);
            string input = TextInput.Read(parsed.GetValue(text), parsed.GetValue(file), terminal, toText ? "list of ids" : "text");
            using ModelFile model = ModelFiles.Open(common.ModelPath(parsed, terminal));
            Tokenizer tokenizer = Tokenizer.Load(model);
            if (toText) Print(terminal, common.Json(parsed), tokenizer.Decode(IdList.ParseIds(input, "the list of ids", tokenizer.VocabularySize), skipSpecial: parsed.GetValue(noSpecial)));
            else Print(terminal, common.Json(parsed), tokenizer.Encode(input, parseSpecial: !parsed.GetValue(noSpecial), addSpecial: parsed.GetValue(addSpecial)));
            return CommandLine.Done;
        });
        return command;
    }

    private static void Print(Terminal terminal, bool json, string text)
    {
        if (json) terminal.WriteJson(new { Text = text });
        else terminal.Out.WriteLine(text);
    }

    private static void Print(Terminal terminal, bool json, int[] ids)
    {
        if (json) terminal.WriteJson(new { Ids = ids });
        else terminal.Out.WriteLine(string.Join(',', ids));
    }
}
