namespace Kvasir.Cli.Reports;

/// <summary>A comparison as tables for a person and as JSON. The first row is the baseline of all ratios.</summary>
internal static class ComparisonTable
{
    private const double LeastFound = 0.8;

    public static void Print(Terminal terminal, ComparisonProtocol protocol, IReadOnlyList<ComparisonRow> rows)
    {
        terminal.Out.WriteLine(
            $"Text {protocol.Text}: {Units.Count(protocol.Windows.Count, "window")}, {Units.Count(protocol.Prefill, "token")} prefilled, "
            + $"{protocol.Windows[0].Length - 1 - protocol.Prefill} decoded. Bytes and peak memory at "
            + $"{Units.Count(protocol.KvLength, "token")}.");
        string peak = rows[0].Footprint.PeakIsOwn ? "peak memory" : "peak memory (since start)";
        terminal.WriteTable(["kv", "ppl", "/f16", "95%", "KL", "same argmax", "pass-key", "KV bytes/token", "/f16", peak], rows, row =>
        [
            row.Kv, $"{row.Quality.Perplexity.Ppl:0.0000}", $"{PplRatio(row, rows):0.0000}", Interval(row, rows),
                Divergence(row.Quality.Divergence), $"{row.Quality.Agreement:0.0%}",
            row.Passkey is { } found ? $"{found.Right}/{found.Items}"
                : "-", $"{row.Footprint.BytesPerToken:0}", $"{BytesRatio(row, rows):0.000}", Units.Bytes(row.Footprint.PeakBytes),
        ], 1, 2, 3, 4, 5, 6, 7, 8, 9);
        foreach (string doubt in Doubts(rows)) terminal.Out.WriteLine(doubt);
        SpeedRow[] tests = [.. rows[0].Prefill, .. rows[0].Decode];
        if (tests.Length == 0) return;
        terminal.WriteTable(["tokens/s", .. tests.Select(test => $"{test.Test} @{test.Depth}")], rows, row =>
        [
            row.Kv, .. row.Prefill.Concat(row.Decode)
                .Zip(tests, (own, baseline) =>
                $"{own.TokensPerSecond:0.0} "
                + $"({(Overlaps(own, baseline) ? "~" : "")}{own.TokensPerSecond / baseline.TokensPerSecond:0.00}x)"),
        ], [.. Enumerable.Range(1, tests.Length)]);
        terminal.Out.WriteLine(SpeedNote);
    }

    public static object Json(Model model, ComparisonProtocol protocol, IReadOnlyList<ComparisonRow> rows) => new
    {
        Model = Path.GetFileName(model.Path),
        protocol.Text,
        Windows = protocol.Windows.Count,
        protocol.Prefill,
        Score = protocol.Windows[0].Length - 1 - protocol.Prefill,
        protocol.KvLength,
        rows[0].Footprint.PeakIsOwn,
        Rows = rows.Select(row => new
        {
            row.Kv,
            Ppl = Units.Rounded(row.Quality.Perplexity.Ppl, 6),
            PplRatio = Units.Rounded(PplRatio(row, rows), 6),
            PplRatioLow = Units.Rounded(Math.Exp(Difference(row, rows).Low), 6),
            PplRatioHigh = Units.Rounded(Math.Exp(Difference(row, rows).High), 6),
            TooFewWindows = !Difference(row, rows).IsClear,
            TooFewPasskeys = !IsClearPasskey(row, rows),
            Kl = Units.Rounded(row.Quality.Divergence, 9),
            Agree = Units.Rounded(row.Quality.Agreement, 6),
            Passkey = row.Passkey is { } found ? Units.Rounded(found.Accuracy, 6) : (double?)null,
            PasskeyItems = row.Passkey?.Items ?? 0,
            LosesPasskeys = LosesPasskeys(row, rows),
            KvBytesPerToken = Units.Rounded(row.Footprint.BytesPerToken, 1),
            KvBytesRatio = Units.Rounded(BytesRatio(row, rows), 6),
            row.Footprint.KvBytes,
            PeakMemoryBytes = row.Footprint.PeakBytes,
            Prefill = Speeds(row.Prefill, rows[0].Prefill),
            Decode = Speeds(row.Decode, rows[0].Decode),
        }),
    };

    public static double PplRatio(ComparisonRow row, IReadOnlyList<ComparisonRow> rows) =>
        row.Quality.Perplexity.Ppl / rows[0].Quality.Perplexity.Ppl;

    /// <summary>Between which ratios to float16 the perplexity lies with 95%; empty for float16 itself.</summary>
    public static string Interval(ComparisonRow row, IReadOnlyList<ComparisonRow> rows) => row == rows[0] ? ""
        : double.IsInfinity(Difference(row, rows).HalfWidth)
            ? "unknown" : $"{Math.Exp(Difference(row, rows).Low):0.0000}-{Math.Exp(Difference(row, rows).High):0.0000}";

    /// <summary>What the samples are too few to tell, in sentences.</summary>
    public static IEnumerable<string> Doubts(IReadOnlyList<ComparisonRow> rows)
    {
        string windows = string.Join(", ", rows.Where(row => !Difference(row, rows).IsClear).Select(row => row.Kv));
        if (windows.Length > 0)
            yield return $"Too few windows to tell whether the perplexity differs from float16: {windows} (the 95% interval of the ratio, "
                + "by window, holds 1; give more --windows).";
        string passkeys = string.Join(", ", rows.Where(row => !IsClearPasskey(row, rows)).Select(row => row.Kv));
        if (passkeys.Length > 0)
            yield return $"Too few pass-keys to tell whether they differ from float16: {passkeys} (sign test at 5%; give more --passkey).";
        string losing = string.Join(", ", rows.Where(row => LosesPasskeys(row, rows))
            .Select(row => $"{row.Kv} ({row.Passkey!.Right} of {rows[0].Passkey!.Right})"));
        if (losing.Length > 0)
            yield return $"Loses what a long prompt says once, of which perplexity tells nothing: "
                + $"{losing} pass-keys that float16 finds; see "
                + "docs/choosing.md.";
    }

    /// <summary>Whether a policy finds fewer than four in five of the pass-keys that the baseline does.</summary>
    public static bool LosesPasskeys(ComparisonRow row, IReadOnlyList<ComparisonRow> rows) =>
        row.Passkey is { } own && rows[0].Passkey is { } first && own.Right < LeastFound * first.Right;

    /// <summary>What a ~ before a speed's ratio means.</summary>
    public const string SpeedNote = "~: the runs overlap with those of float16, so they do not tell which is faster; --repeat gives more.";

    public static bool Overlaps(SpeedRow own, SpeedRow baseline) => own != baseline && own.Min <= baseline.Max && baseline.Min <= own.Max;

    private static PairedDifference Difference(ComparisonRow row, IReadOnlyList<ComparisonRow> rows) =>
        PairedDifference.Of(row.Quality.WindowNll, rows[0].Quality.WindowNll);

    private static bool IsClearPasskey(ComparisonRow row, IReadOnlyList<ComparisonRow> rows) =>
        row.Passkey is not { Wrong: var own } || rows[0].Passkey is not { Wrong: var other }
            || PairedDifference.IsClearSign(other.Except(own).Count(), own.Except(other).Count());

    public static double BytesRatio(ComparisonRow row, IReadOnlyList<ComparisonRow> rows) =>
        row.Footprint.BytesPerToken / rows[0].Footprint.BytesPerToken;

    /// <summary>Three significant digits over many powers of ten.</summary>
    public static string Divergence(double nats) => nats == 0 ? "0" : nats >= 0.001 ? $"{nats:0.0000}" : $"{nats:0.0e-0}";

    private static IEnumerable<object> Speeds(IReadOnlyList<SpeedRow> own, IReadOnlyList<SpeedRow> baseline) =>
        own.Zip(baseline, (row, first) =>
            new
            {
                row.Depth,
                row.TokensPerSecond,
                row.Min,
                row.Max,
                Ratio = Units.Rounded(row.TokensPerSecond / first.TokensPerSecond, 4)
            });
}
