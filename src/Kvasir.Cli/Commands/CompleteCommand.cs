namespace Kvasir.Cli.Commands;

/// <summary><c>complete</c>: continues a text.</summary>
internal static class CompleteCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("complete", "Continue a text.",
            "kvasir complete --prompt \"The capital of France is\" --max-tokens 16",
            "kvasir complete --image photo.jpg --prompt \"<image>\\nThe picture shows\"",
            "kvasir complete --file letter.txt --emphasise \"Answer in one sentence.\"",
            "kvasir complete --ids 504,3575,282,14197,314 --max-tokens 8 --json");
        var prompt = new PromptOptions(command);
        var images = new ImageOptions(command);
        var sampling = new SamplingOptions(command, maxTokens: 256, temperature: 0);
        CommonOptions common = CommonOptions.ForSequences(command);
        var budget = new KvBudgetOption(command);
        var promptCache = new PromptCacheOption(command);
        var emphasis = new EmphasisOptions(command);
        var promptTokens = new PromptTokensOption(command);
        return command.Does(parsed =>
        {
            using PictureInput pictures = images.Read(parsed, common);
            Func<Model, int[]> idsBy = prompt.Read(parsed, terminal, pictures);
            KvPolicy policy = promptTokens.Apply(parsed, common.Policy(parsed));
            PromptStore? prompts = promptCache.Open(parsed);
            using Cache.BlockPool pool = budget.NewPool(parsed);
            using Model model = common.LoadTextModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            int[] tokens = idsBy(model);
            using var session = new Session(model, policy, pool, prompts) { Embeddings = pictures.Embeddings };
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
