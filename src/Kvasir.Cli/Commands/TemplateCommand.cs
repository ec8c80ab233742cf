namespace Kvasir.Cli.Commands;

/// <summary><c>template</c>: the prompt that a conversation becomes.</summary>
internal static class TemplateCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("template", "Render a conversation with the model's chat template.",
            "echo '[{\"role\":\"user\",\"content\":\"Hello\"}]' | kvasir template --messages -");
        var messages = command.Required(
            "--messages", "FILE",
            "JSON messages with all their fields, alone or with tools and other variables of the template in an object; - is "
            + "standard input");
        var noPrompt = command.Flag("--no-generation-prompt", "Leave out what begins the assistant's answer");
        CommonOptions common = CommonOptions.ForModelFile(command);
        return command.Does(parsed =>
        {
            string file = parsed.GetValue(messages)!;
            MessageFile conversation =
                MessageFile.Parse(TextInput.Read(null, file, terminal, "list of messages"), file == "-" ? "standard input" : file);
            using ModelFile model = ModelFiles.Open(common.ModelPath(parsed, terminal));
            Tokenizer tokenizer = Tokenizer.Load(model);
            ChatTemplate template = ChatTemplate.Load(model, tokenizer, conversation.HasTools ? "tool_use" : null)
                ?? throw new InvalidInputException($"{model.Path}: carries no chat template; use a model tuned for chat");
            string text = template.Render(conversation.Messages, !parsed.GetValue(noPrompt), variables: conversation.Variables);
            if (common.Json(parsed)) terminal.WriteJson(new { Text = text, Ids = tokenizer.Encode(text) });
            else terminal.Out.WriteLine(text);
        });
    }
}
