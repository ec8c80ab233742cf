using System.CommandLine;
using Kvasir.Formats;
using Kvasir.Tokenization;

namespace Kvasir.Cli.Commands;

/// <summary><c>template</c>: the prompt that a conversation becomes.</summary>
internal static class TemplateCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("template", "Render a conversation with the model's chat template.", "echo '[{\"role\":\"user\",\"content\":\"Hello\"}]' | kvasir template --messages -");
        var messages = new Option<string>("--messages") { Description = "JSON messages with role and content; - is standard input", HelpName = "FILE", Required = true };
        var noPrompt = new Option<bool>("--no-generation-prompt") { Description = "Leave out what begins the assistant's answer" };
        command.Options.Add(messages);
        command.Options.Add(noPrompt);
        CommonOptions common = CommonOptions.ForModelFile(command);
        command.SetAction(parsed =>
        {
            string file = parsed.GetValue(messages)!;
            IReadOnlyList<ChatMessage> conversation = MessageFile.Parse(TextInput.Read(null, file, terminal, "list of messages"), file == "-" ? "standard input" : file);
            using ModelFile model = ModelFile.Open(common.ModelPath(parsed, terminal));
            Tokenizer tokenizer = Tokenizer.Load(model);
            string source = model.Get("tokenizer.chat_template", "");
            if (source.Length == 0) throw new InvalidInputException($"{model.Path}: carries no chat template; use a model tuned for chat");
            string text = new ChatTemplate(source).Render(conversation, !parsed.GetValue(noPrompt), TextOf(tokenizer, tokenizer.BeginOfText), TextOf(tokenizer, tokenizer.EndOfText));
            if (common.Json(parsed)) terminal.WriteJson(new { Text = text, Ids = tokenizer.Encode(text) });
            else terminal.Out.WriteLine(text);
            return CommandLine.Done;
        });
        return command;
    }

    private static string? TextOf(Tokenizer tokenizer, int id) => id < 0 ? null : tokenizer.Decode([id]);
}
