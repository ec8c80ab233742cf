using Kvasir.Cli.Models;

namespace Kvasir.Cli.Commands;

/// <summary><c>doctor</c>: what this machine has, and what would make Kvasir faster or better on it.</summary>
internal static class DoctorCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("doctor",
            "This machine: CPU, kernel path, threads, memory speed, models and stores found, and what would help.", "kvasir doctor");
        Option<string?> store = LibraryChoice.StoreOption(command);
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            MachineReport report = MachineReport.Make(ModelFolders.FromEnvironment(), LibraryChoice.StoreFolder(parsed.GetValue(store)));
            if (common.Json(parsed)) terminal.WriteJson(report);
            else Print(report, terminal.Out);
        });
    }

    private static void Print(MachineReport report, TextWriter output)
    {
        foreach ((string name, string value) in new[]
        {
            ("CPU", report.Cpu),
            ("kernel path", $"{report.KernelPath} (of {string.Join(", ", report.KernelPaths)})"),
            ("threads", $"{report.Threads} (one for each of the {Units.Count(report.Cores, "core")} it may use)"),
            ("memory", $"{Units.Bytes(report.MemoryBytes)}, read at {report.MemoryGigabytesPerSecond:0.0} GB/s"),
            ("runtime", report.Runtime),
            ("language model", report.Model is { } model ? $"{model.Name} ({Units.Bytes(model.Bytes)}), at most "
                + $"{report.DecodeLimit:0} tokens/s while memory is the limit" : "none"),
            ("sentence encoder", report.Encoder is { } encoder ? $"{encoder.Name} ({Units.Bytes(encoder.Bytes)})" : "none"),
            ("models folders", string.Join(", ", report.ModelFolders)),
            ("store", report.Store is { } there
                ? $"{there.Folder}: {Units.Count(there.Documents, "document")}, KV {Units.Bytes(there.KvBytes)}" : "none yet"),
        })
        {
            output.WriteLine($"{name + ":",-18}{TerminalText.Line(value)}");
        }

        foreach (string advice in report.Advice) output.WriteLine($"- {advice}");
    }
}
