using Kvasir.Calibration;

namespace Kvasir.Cli.Commands;

/// <summary><c>profile</c>: measures a model once, for policies that go by what was measured.</summary>
internal static class ProfileCommand
{
    public static Command Create(Terminal terminal) =>
        new ExampleCommand("profile", "Measure a model once, for policies that go by what was measured.",
            "kvasir profile auto --out smollm2.auto.json")
        {
            Auto(terminal),
            ProfilePastaCommand.Create(terminal),
            ProfilePrefixKvCommand.Create(terminal),
            ProfileFastGenCommand.Create(terminal),
        };

    private static ExampleCommand Auto(Terminal terminal)
    {
        var command = new ExampleCommand(
            "auto", "Measure what few bits do to each layer and head, for --kv auto:BUDGET. One profile serves every budget.",
            "kvasir profile auto --out smollm2.auto.json",
            "kvasir profile auto --file sample.txt --out smollm2.auto.json",
            "kvasir chat --kv auto:3bit,profile=smollm2.auto.json");
        var file = command.Option<string?>("--file -f", "FILE", "A text to measure on (default: texts that the model writes itself)");
        var output = command.Required("--out -o", "P.json", "Write the profile there");
        var scale = command.Choice("--scale", "8|16", "Bits of scale and minimum, as in the policy it is for");
        CommonOptions common = CommonOptions.ForModel(command);
        return command.Does(parsed =>
        {
            string path = parsed.GetValue(output)!;
            int scaleBits = parsed.GetValue(scale) == "16" ? 16 : 8;
            OutputPath.Check(path);
            string? text = parsed.GetValue(file) is string source ? TextInput.ReadFile(source) : null;
            using Model model = common.LoadTextModel(parsed, terminal);
            long started = Stopwatch.GetTimestamp();
            SensitivityProfile profile = Measure(model, text, scaleBits, terminal);
            profile.Save(path);
            Print(terminal, common.Json(parsed), path, profile, Stopwatch.GetElapsedTime(started).TotalSeconds);
        });
    }

    private static SensitivityProfile Measure(Model model, string? text, int scaleBits, Terminal terminal)
    {
        using var progress = new ProgressLine(terminal, "measuring");
        return SensitivityProfile.Measure(model, text, scaleBits, progress, terminal.Interrupted);
    }

    private static void Print(Terminal terminal, bool json, string path, SensitivityProfile profile, double seconds)
    {
        if (json)
        {
            terminal.WriteJson(new
            {
                Path = path,
                profile.Calibration,
                Codecs = new { Keys = profile.Keys[0], Values = profile.Values[0] },
                Layers = profile.Layers.Select(layer => layer.Select(head => new
                {
                    Keys = Units.Rounded(head.Keys[0], 7),
                    Values = Units.Rounded(head.Values[0], 7),
                })),
                Seconds = Units.Rounded(seconds),
            });
            return;
        }

        terminal.Out.WriteLine($"{path}: {profile.Calibration}; divergence in nats where a layer's keys or values alone are "
            + $"{profile.Keys[0]}");
        terminal.WriteTable(["layer", "keys", "values"], profile.Layers.Index(), layer =>
            [$"{layer.Index}", Nats(layer.Item.Sum(head => head.Keys[0])), Nats(layer.Item.Sum(head => head.Values[0]))], 0, 1, 2);
    }

    private static string Nats(double divergence) => $"{divergence:0.00000}";
}
