using System.CommandLine;
using Kvasir.Calibration;
using Kvasir.Models;

namespace Kvasir.Cli.Commands;

/// <summary><c>profile</c>: measures a model once, for policies that go by what was measured.</summary>
internal static class ProfileCommand
{
    public static Command Create(Terminal terminal) =>
        new ExampleCommand("profile", "Measure a model once, for policies that go by what was measured.", "kvasir profile auto --out smollm2.auto.json")
        {
            Auto(terminal),
        };

    private static ExampleCommand Auto(Terminal terminal)
    {
        var command = new ExampleCommand("auto", "Measure what few bits do to each layer and head, for --kv auto:BUDGET. One profile serves every budget.",
            "kvasir profile auto --out smollm2.auto.json\nkvasir profile auto --file sample.txt --out smollm2.auto.json\nkvasir chat --kv auto:3bit,profile=smollm2.auto.json");
        var file = new Option<string?>("--file", "-f") { Description = "A text to measure on (default: texts that the model writes itself)", HelpName = "FILE" };
        var output = new Option<string>("--out", "-o") { Description = "Write the profile there", HelpName = "P.json", Required = true };
        var scale = new Option<int>("--scale") { Description = "Bits of scale and minimum, as in the policy it is for", HelpName = "8|16", DefaultValueFactory = _ => 8 };
        command.Options.Add(file);
        command.Options.Add(output);
        command.Options.Add(scale);
        CommonOptions common = CommonOptions.ForModel(command);
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(output)!;
            int scaleBits = parsed.GetValue(scale);
            if (scaleBits is not (8 or 16)) throw new InvalidInputException($"--scale {scaleBits}: give 8 or 16");
            OutputPath.Check(path);
            string? text = parsed.GetValue(file) is string source ? TextInput.ReadFile(source) : null;
            using Model model = common.LoadTextModel(parsed, terminal);
            long started = Stopwatch.GetTimestamp();
            SensitivityProfile profile = Measure(model, text, scaleBits, terminal);
            profile.Save(path);
            Print(terminal, common.Json(parsed), path, profile, Stopwatch.GetElapsedTime(started).TotalSeconds);
            return ExitCode.Done;
        });
        return command;
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
            terminal.WriteJson(new { Path = path, profile.Calibration, Codecs = new { Keys = profile.Keys[0], Values = profile.Values[0] }, Layers = profile.Layers.Select(layer => layer.Select(head => new { Keys = Units.Rounded(head.Keys[0], 7), Values = Units.Rounded(head.Values[0], 7) })), Seconds = Units.Rounded(seconds) });
            return;
        }

        terminal.Out.WriteLine($"{path}: {profile.Calibration}; divergence in nats where a layer's keys or values alone are {profile.Keys[0]}");
        terminal.WriteTable(["layer", "keys", "values"], profile.Layers.Select((layer, l) => (IReadOnlyList<string>)[$"{l}", Nats(layer.Sum(head => head.Keys[0])), Nats(layer.Sum(head => head.Values[0]))]), 0, 1, 2);
    }

    private static string Nats(double divergence) => divergence.ToString("0.00000", CultureInfo.InvariantCulture);
}
