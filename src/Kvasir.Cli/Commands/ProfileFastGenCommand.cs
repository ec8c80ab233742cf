using Kvasir.Cache.Eviction;
using Kvasir.Calibration;

namespace Kvasir.Cli.Commands;

/// <summary><c>profile fastgen</c>: which policy each head chooses on sample prompts.</summary>
internal static class ProfileFastGenCommand
{
    public static ExampleCommand Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "fastgen", "Show which policy each head chooses, as --kv evict=fastgen:RECOVERY does on every prompt.",
            "kvasir profile fastgen --file sample.txt --recovery 0.95",
            "kvasir profile fastgen --ids-file prompts.json --recovery 0.95 --reading l1 --json");
        var samples = new SamplePrompts(command);
        var recovery = command.Option("--recovery", "T", "The share of a head's attention to recover", 0.95).InRange(double.Epsilon, 1);
        var reading = command.Choice(
            "--reading", "mass|l1",
            "What the constraint is read as: lost attention at most 1 - T (mass), or the distance to attention over what is kept (l1), "
                + "which is twice the lost mass");
        CommonOptions common = CommonOptions.ForModel(command);
        return command.Does(parsed =>
        {
            double least = parsed.GetValue(recovery);
            if (parsed.GetValue(reading) == "l1") least = (1 + least) / 2;
            using Model model = common.LoadTextModel(parsed, terminal);
            var classes = new TokenClasses(model.Tokenizer);
            Dictionary<string, HeadChoices> prompts = samples.Measure(parsed, model, terminal,
                ids => HeadChoices.Of(model, ids, classes, least, terminal.Interrupted));
            if (common.Json(parsed)) terminal.WriteJson(new { Prompts = prompts });
            else Print(terminal, prompts);
        });
    }

    private static void Print(Terminal terminal, Dictionary<string, HeadChoices> prompts)
    {
        terminal.Out.WriteLine(
            $"policies by kv head: {string.Join(", ", FastGen.PolicyNames.Select((name, policy) => $"{policy} {name}"))}");
        terminal.WriteTable(["layer", .. prompts.Keys], Enumerable.Range(0, prompts.Values.First().Chosen.Length), layer =>
            [$"{layer}", .. prompts.Values.Select(prompt => string.Join(' ', prompt.Chosen[layer]))], 0);
        terminal.Out.WriteLine(
            $"kept of the tokens: {string.Join(", ", prompts.Select(prompt => $"{prompt.Key} {prompt.Value.KeptFraction:0.0%}"))}");
    }

    /// <summary>What the heads chose on one prompt.</summary>
    /// <param name="Chosen">[layers][kv heads]</param>
    /// <param name="KeptFraction">Share of the tokens kept, mean over heads.</param>
    private sealed record HeadChoices(int[][] Chosen, double KeptFraction)
    {
        public static HeadChoices Of(Model model, int[] ids, TokenClasses classes, double recovery, CancellationToken cancellation)
        {
            var fastGen = new FastGen(ids, 0, classes);
            ScoredLayer[] layers = PromptObservation.Of(model, ids, FastGen.Needs(ids.Length), cancellation: cancellation);
            int[][] chosen = [.. layers.Select(layer => layer.ForHeads(head => fastGen.Choose(layer, head, recovery)))];
            return new HeadChoices(chosen,
                layers.SelectMany((layer, l) => layer.ForHeads(head => fastGen.Keeps(layer, head, chosen[l][head]).Count(kept => kept)))
                .Average() / ids.Length);
        }
    }
}
