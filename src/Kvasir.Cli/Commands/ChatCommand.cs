namespace Kvasir.Cli.Commands;

/// <summary><c>chat</c>: talk to the model.</summary>
internal static class ChatCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("chat", "Talk to the model; /help lists what can be typed besides messages.",
            "kvasir chat --system \"You answer in one sentence.\"",
            "kvasir chat --system \"You answer in French.\" --emphasise \"You answer in French.\"",
            "kvasir chat --image photo.jpg",
            "kvasir chat --save talk.kv",
            "kvasir chat --load talk.kv --save talk.kv",
            "echo \"Who are you?\" | kvasir chat --temperature 0");
        var system = command.Option<string?>("--system -s", "TEXT", "A message that tells the model how to behave");
        var load = command.Option<string?>("--load", "FILE", "Go on with a conversation saved by --save or /save");
        var save = command.Option<string?>(
            "--save", "FILE", "Save the conversation with its KV after every reply; to go on with one that is there, give --load too");
        var images = new ImageOptions(command);
        var sampling = new SamplingOptions(command, maxTokens: 1024, temperature: 0.7f);
        CommonOptions common = CommonOptions.ForSequences(command);
        var budget = new KvBudgetOption(command);
        var promptCache = new PromptCacheOption(command);
        var emphasis = new EmphasisOptions(command);
        return command.Does(parsed =>
        {
            KvPolicy? policy = common.GivenPolicy(parsed);
            var settings = new ChatSettings([.. sampling.All, common.SeedOption], given => sampling.Read(given, common), parsed);
            PromptStore? prompts = promptCache.Open(parsed);
            using PictureInput pictures = images.Read(parsed, common);
            CheckSave(parsed.GetValue(save), parsed.GetValue(load));
            using BlockPool pool = budget.NewPool(parsed);
            using Model model = common.LoadTextModel(parsed, terminal);
            if (policy is not null) policy = CommonOptions.Prepare(policy, model, terminal);
            if (model.ChatTemplate is null)
                throw new InvalidInputException($"{model.Path}: carries no chat template; use a model tuned for chat, or kvasir complete");
            using var conversation =
                new Conversation(model, policy, pool, prompts, settings, common.Json(parsed), parsed.GetValue(save), terminal)
                {
                    Pictures = pictures,
                    Emphasis = emphasis.Read(parsed, model, policy),
                };
            if (parsed.GetValue(load) is string path) conversation.Load(path);
            else if (parsed.GetValue(system) is string text) conversation.Instruct(text);
            conversation.ShowNamed();
            conversation.Run();
        });
    }

    /// <exception cref="InvalidInputException">The file cannot be written, or holds what would be lost.</exception>
    private static void CheckSave(string? save, string? load)
    {
        if (save is null) return;
        OutputPath.Check(save);
        if (File.Exists(save) && (load is null || Path.GetFullPath(load) != Path.GetFullPath(save)))
            throw new InvalidInputException($"{save}: exists already; go on with it (--load {save} --save {save}) or name another file");
    }
}
