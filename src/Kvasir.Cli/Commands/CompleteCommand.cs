namespace Kvasir.Cli.Commands;

/// <summary><c>complete</c>: continues a text.</summary>
internal static class CompleteCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("complete", "Continue a text.",
            "kvasir complete --prompt \"The capital of France is\" --max-tokens 16",
            "kvasir complete --file letter.txt --emphasise \"Answer in one sentence.\"",
            "kvasir complete --ids 504,3575,282,14197,314 --max-tokens 8 --json");
        var prompt = command.Option<string?>("--prompt -p", "TEXT", "The text (default: standard input)");
        var file = command.Option<string?>("--file -f", "FILE", "A file with the text");
        var ids = command.Option<string?>("--ids", "1,2,3", "Token ids instead of a text, fed exactly as given");
        var sampling = new SamplingOptions(command, maxTokens: 256, temperature: 0);
        CommonOptions common = CommonOptions.ForSequences(command);
        var budget = new KvBudgetOption(command);
        var promptCache = new PromptCacheOption(command);
        var emphasis = new EmphasisOptions(command);
        var promptTokens = new PromptTokensOption(command);
        return command.Does(parsed =>
        {
            string? idText = parsed.GetValue(ids);
            if (idText is not null && (parsed.GetValue(prompt) ?? parsed.GetValue(file)) is not null)
                throw new InvalidInputException("both a text and --ids were given; give one of them");
            string text = idText is null ? TextInput.Read(parsed.GetValue(prompt), parsed.GetValue(file), terminal, "prompt") : "";
            KvPolicy policy = promptTokens.Apply(parsed, common.Policy(parsed));
            PromptStore? prompts = promptCache.Open(parsed);
            using Cache.BlockPool pool = budget.NewPool(parsed);
            using Model model = common.LoadTextModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            int[] tokens = idText is null
                ? model.Tokenizer.Encode(text, parseSpecial: true, addSpecial: true)
                : IdList.ParseIds(idText, "--ids", model.Config.Vocabulary);
            using var session = new Session(model, policy, pool, prompts);
            bool json = common.Json(parsed);
            GenerationOptions options = sampling.Read(parsed, common) with { Emphasis = emphasis.Read(parsed, model, policy) };
            GenerationResult result = session.Complete(tokens, options, json ? null : terminal.Out.Write, terminal.Interrupted);
            if (json) terminal.WriteJson(Figures.Of(result));
            else terminal.Out.WriteLine();
            terminal.Note(Figures.Line(result));
            if (prompts?.Problem is string problem) terminal.Note($"the prompt was not kept: {problem}");
        });
    }
}
