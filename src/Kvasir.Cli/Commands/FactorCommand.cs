using Kvasir.Factoring;

namespace Kvasir.Cli.Commands;

/// <summary><c>factor</c>: makes the factors with which a model's caches keep thin keys.</summary>
internal static class FactorCommand
{
    private const string Methods = "prerope|kqsvd|kqsvd-centred|svd";

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "factor", "Make a model's key cache two to four times smaller: factors of its keys, for --kv thin=SHARE%,profile=P.",
            "kvasir factor --share 50% --out smollm2.half.factors",
            "kvasir factor --text sample.txt --share 75% --per-head --out smollm2.quarter.factors",
            "kvasir factor --text sample.txt --share 75% --per-head --finetune --steps 500 --out smollm2.tuned.factors",
            "kvasir chat --kv thin=50%,profile=smollm2.half.factors",
            "kvasir factor table")
        {
            FactorTableCommand.Create(terminal),
        };
        var text = command.Option<string?>("--text -f", "FILE", "A text to calibrate on (default: texts that the model writes itself)");
        var share = command.Option<string?>("--share", "SHARE%", "How much of the key cache to save (default 50%)");
        var rank = command.Option<int?>("--rank", "N", "Instead of --share: numbers to keep of each key").InRange(1, 1 << 16);
        var method = command.Option<string?>(
            "--method", Methods,
            "prerope: keys before rotation, by what queries read of them; kqsvd: scores, read at the thin keys' cost; svd: the weights "
            + "alone (default: prerope where keys are rotated, else svd)").AcceptOnlyFromAmong(Methods.Split('|'));
        var perHead = command.Flag("--per-head", "Give each head the rank that it needs, under the same budget");
        var output = command.Option<string?>("--out -o", "P", "Write the factors there");
        var tuning = new FactorTuningOptions(command);
        CommonOptions common = CommonOptions.ForModel(command);
        return command.Does(parsed =>
        {
            string path = parsed.GetValue(output) ?? throw new InvalidInputException("--out is missing: name a file for the factors");
            OutputPath.Check(path);
            if (parsed.GetValue(share) is not null && parsed.GetValue(rank) is not null)
                throw new InvalidInputException("give --share or --rank, not both");
            var options = new FactoringOptions
            {
                Thin = parsed.GetValue(rank) is int numbers ? new ThinKeys(numbers, null)
                    : new ThinKeys(null, Share(parsed.GetValue(share) ?? "50%")),
                Method = parsed.GetValue(method) is string name
                    ? Enum.GetValues<FactoringMethod>().First(known => KeyFactoring.Name(known) == name) : null,
                PerHead = parsed.GetValue(perHead),
            };
            string? calibration = parsed.GetValue(text) is string source ? TextInput.ReadFile(source) : null;
            using Model model = common.LoadTextModel(parsed, terminal);
            long started = Stopwatch.GetTimestamp();
            KeyFactors factors = Make(model, options, calibration, terminal);
            if (tuning.IsWanted(parsed)) factors = tuning.Run(parsed, model, factors, calibration, path, terminal);
            else KeyFactorsFile.Write(path, factors);
            Print(terminal, common.Json(parsed), path, factors, Stopwatch.GetElapsedTime(started).TotalSeconds);
        });
    }

    private static double Share(string text) => Percent.TryParse(text, out double share) && share < 1
        ? share
        : throw new InvalidInputException($"--share {text} is not a share above 0% and below 100% (as in 50%)");

    private static KeyFactors Make(Model model, FactoringOptions options, string? text, Terminal terminal)
    {
        using var progress = new ProgressLine(terminal, "factoring");
        return new KeyFactoring(model, options, progress, terminal.Interrupted).Run(text);
    }

    private static void Print(Terminal terminal, bool json, string path, KeyFactors factors, double seconds)
    {
        long bytes = factors.TotalRank * (long)sizeof(ushort), bytesF16 = factors.Heads.Sum(head => head.Channels * (long)sizeof(ushort));
        var heads = factors.Layers.SelectMany(
            (layer, l) => layer.Select((head, h) => (Layer: l, Head: h, head.Rank, Share: 1 - (double)head.Rank / head.Channels)));
        if (json)
        {
            terminal.WriteJson(new
            {
                Path = path,
                factors.Method,
                factors.Identity,
                Layers = heads.Select(head => new { head.Layer, head.Head, head.Rank, Share = Units.Rounded(head.Share, 6) }),
                KeyBytesPerToken = bytes,
                KeyBytesPerTokenF16 = bytesF16,
                Seconds = Units.Rounded(seconds),
            });
            return;
        }

        terminal.Out.WriteLine(
            $"{path}: {factors.Method}, {Units.Count(bytes, "byte")} of keys a token in float16 instead of {bytesF16} "
            + $"({100.0 * (bytesF16 - bytes) / bytesF16:0.#}% saved), "
            + $"made in {seconds:0.0} s; ranks by head:");
        terminal.WriteTable(["layer", "ranks"], factors.Layers.Index(), layer =>
            [$"{layer.Index}", string.Join(' ', layer.Item.Select(head => head.Rank))], 0, 1);
    }
}
