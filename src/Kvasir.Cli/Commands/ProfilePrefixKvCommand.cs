using Kvasir.Cache.Eviction;
using Kvasir.Calibration;

namespace Kvasir.Cli.Commands;

/// <summary><c>profile prefixkv</c>: how many tokens each layer keeps under a budget.</summary>
internal static class ProfilePrefixKvCommand
{
    public static ExampleCommand Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "prefixkv", "Measure how many tokens each layer should keep, for --kv evict=prefixkv:SHARE%.",
            "kvasir profile prefixkv --file sample.txt --budgets 20,50 --out smollm2.prefixkv.json",
            "kvasir profile prefixkv --ids-file prompts.json --budgets 10,20,30,50 --json",
            "kvasir complete --prompt \"Once upon a time\" --kv evict=prefixkv:20%,profile=smollm2.prefixkv.json");
        var samples = new SamplePrompts(command);
        var budgets = command.Option("--budgets", "A,B", "Percent of the tokens kept", "10,20,30,50");
        var leaveOut = command.Flag("--leave-out-protected", "Search without the first and the last token, which stay in any case");
        var output = command.Option<string?>("--out -o", "P.json", "Write the profile there");
        CommonOptions common = CommonOptions.ForModel(command);
        return command.Does(parsed =>
        {
            int[] percents = IdList.Parse(parsed.GetValue(budgets)!, "--budgets");
            if (Array.FindIndex(percents, percent => percent is < 1 or > 100) is >= 0 and var wrong)
                throw new InvalidInputException($"--budgets {percents[wrong]}: give percent from 1 to 100");
            string? path = parsed.GetValue(output);
            if (path is not null) OutputPath.Check(path);
            using Model model = common.LoadTextModel(parsed, terminal);
            var score = new ReceivedScore();
            Dictionary<string, float[][]> received = samples.Measure<float[][]>(parsed, model, terminal, ids =>
                [.. PromptObservation.Of(model, ids, score.Needs, cancellation: terminal.Interrupted).Select(layer => score.Score(layer)[0])]);
            PrefixKvProfile profile = PrefixKvProfile.Of(model.Identity, received, [.. percents.Select(percent => percent / 100.0)],
                parsed.GetValue(leaveOut));
            if (path is not null) profile.Save(path);
            Print(terminal, common.Json(parsed), profile, path);
        });
    }

    private static void Print(Terminal terminal, bool json, PrefixKvProfile profile, string? path)
    {
        if (json)
        {
            terminal.WriteJson(new
            {
                Path = path,
                profile.Texts,
                Budgets = profile.Budgets.ToDictionary(budget => budget.Key, budget => new { budget.Value.ForgetRatio, budget.Value.Met }),
            });
            return;
        }

        terminal.Out.WriteLine($"percent of the tokens that each layer keeps, mean of "
            + $"{Units.Count(profile.Texts.Count, "text")}{(path is null ? "" : $"; wrote {path}")}");
        string[] names = [.. profile.Budgets.Keys];
        terminal.WriteTable(["layer", .. names.Select(name => $"{name}%")],
            Enumerable.Range(0, profile.Budgets[names[0]].ForgetRatio.Count), layer =>
            [$"{layer}", .. names.Select(name => $"{100 * (1 - profile.Budgets[name].ForgetRatio[layer]):0.0}")],
                [.. Enumerable.Range(0, names.Length + 1)]);
    }
}
