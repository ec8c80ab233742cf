using Kvasir.Calibration;

namespace Kvasir.Cli.Commands;

/// <summary><c>profile pasta</c>: in which layers and heads steering is good.</summary>
internal static class ProfilePastaCommand
{
    private const int Shown = 12;

    public static ExampleCommand Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "pasta", "Rank layers, or heads, by what steering them alone does on a small task, for --emphasise and --kv steer=SPANS.",
            "kvasir profile pasta --out heads.json",
            "kvasir profile pasta --data task.json --layers 4 --out heads.json",
            "kvasir profile pasta --data task.json --heads 40 --out heads.json",
            "kvasir complete --prompt \"In this tale, snow is black. What colour is snow? Snow is\" --emphasise \"snow is black\" "
                + "--head-profile heads.json");
        var data = command.Option<string?>(
            "--data", "F.json",
            "Prompts: a list, or \"prompts\" with one, of {\"emphasised\", \"rest\", \"new\", \"old\"} (texts) or {\"token_ids\", "
                + "\"span\", \"new_id\", \"old_id\"}; "
            + "new is what follows if the emphasised part is heeded (default: twelve that come with the program)");
        var output = command.Required("--out -o", "P.json", "Write the profile there");
        var alpha = command.Option(
            "--alpha", "A", "How much the rest of a prompt counts", SteeringPolicy.DefaultAlpha).InRange(1e-30, 1);
        var layers = command.Option<int?>("--layers", "N", "Layers to choose (default: a fifth)").InRange(1, int.MaxValue);
        var heads = command.Option<int?>("--heads", "N",
            "Choose single heads instead of layers; takes as many times longer as a layer has heads").InRange(1, int.MaxValue);
        CommonOptions common = CommonOptions.ForModel(command);
        return command.Does(parsed =>
        {
            string path = parsed.GetValue(output)!;
            OutputPath.Check(path);
            var options = new HeadProfileOptions
            {
                Alpha = parsed.GetValue(alpha),
                Layers = parsed.GetValue(layers),
                Heads = parsed.GetValue(heads),
            };
            if (options is { Layers: not null, Heads: not null })
                throw new InvalidInputException(
                    "--layers and --heads exclude each other; give one of them");
            byte[]? json = parsed.GetValue(data) is string file ? TextInput.ReadBytes(file) : null;
            using Model model = common.LoadTextModel(parsed, terminal);
            IReadOnlyList<SteeringTask> tasks =
                json is null ? SteeringTask.BuiltIn(model) : SteeringTask.Read(json, parsed.GetValue(data)!, model);
            long started = Stopwatch.GetTimestamp();
            HeadProfile profile;
            using (var progress = new ProgressLine(terminal, "measuring"))
                profile = HeadProfile.Measure(model, tasks, options, progress, terminal.Interrupted);
            profile.Save(path);
            Print(terminal, common.Json(parsed), path, profile, Stopwatch.GetElapsedTime(started).TotalSeconds);
        });
    }

    private static void Print(Terminal terminal, bool json, string path, HeadProfile profile, double seconds)
    {
        if (json)
        {
            terminal.WriteJson(new
            {
                Path = path,
                profile.Calibration,
                profile.Alpha,
                profile.Heads,
                Ranking = profile.Ranking.Select(gain => new { gain.Head, Gain = Units.Rounded(gain.Gain, 6) }),
                Seconds = Units.Rounded(seconds),
            });
            return;
        }

        terminal.Out.WriteLine($"{path}: {string.Join('+', profile.Heads)} chosen ({profile.Calibration}); gain in nats:");
        terminal.WriteTable(["head", "gain"], profile.Ranking.Take(Shown), gain => [gain.Head, $"{gain.Gain:+0.000;-0.000}"], 0, 1);
    }
}
