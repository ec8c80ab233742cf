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
            "kvasir profile prefixkv --image a.jpg --image b.jpg --question \"What is this?\" --out pictures.json",
            "kvasir profile prefixkv --ids-file prompts.json --budgets 10,20,30,50 --json",
            "kvasir complete --prompt \"Once upon a time\" --kv evict=prefixkv:20%,profile=smollm2.prefixkv.json");
        var samples = new SamplePrompts(command);
        var images = new ImageOptions(command);
        var question = command.Option("--question", "TEXT", "What is asked about each picture", "Describe the image.");
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
            using PictureInput pictures = images.Read(parsed, common);
            using Model model = common.LoadTextModel(parsed, terminal);
            double[] shares = [.. percents.Select(percent => percent / 100.0)];
            PrefixKvProfile profile = pictures.Files.Count > 0 ? OfImages(model, pictures, parsed.GetValue(question)!, shares, terminal)
                : PrefixKvProfile.Of(model.Identity, samples.Measure(parsed, model, terminal, ids => Received(model, ids, terminal)),
                    shares, parsed.GetValue(leaveOut));
            if (path is not null) profile.Save(path);
            Print(terminal, common.Json(parsed), profile, path);
        });
    }

    private static float[][] Received(Model model, int[] ids, Terminal terminal)
    {
        var score = new ReceivedScore();
        return [.. PromptObservation.Of(model, ids, score.Needs, cancellation: terminal.Interrupted)
            .Select(layer => score.Score(layer)[0])];
    }

    /// <summary>By the attention that each picture's tokens get from the question.</summary>
    private static PrefixKvProfile OfImages(
        Model model, PictureInput pictures, string question, IReadOnlyList<double> shares, Terminal terminal)
    {
        var attention = new Dictionary<string, float[][]>();
        foreach (string file in pictures.Files)
        {
            string marker = pictures.Show(model, file);
            int[] ids = Session.EncodeChat(
                model.Tokenizer, model.ChatTemplate, [new ChatMessage("user", $"{marker}\n{question}")], pictures.Embeddings);
            attention[Path.GetFileName(file)] = QuestionAttention.OfImages(model, ids, pictures.Embeddings!, terminal.Interrupted);
        }

        return PrefixKvProfile.OfImages(model.Identity, attention, shares);
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
