using Kvasir.Models;
using static System.FormattableString;

namespace Kvasir.Cli;

/// <summary>A comparison as tables for a person and as JSON. The first row is the baseline of all ratios.</summary>
internal static class ComparisonTable
{
    public static void Print(Terminal terminal, ComparisonProtocol protocol, IReadOnlyList<ComparisonRow> rows)
    {
        terminal.Out.WriteLine(Invariant($"Text {protocol.Text}: {protocol.Windows.Count} windows, {protocol.Prefill} tokens prefilled, {protocol.Windows[0].Length - 1 - protocol.Prefill} decoded. Bytes and peak memory at {protocol.KvLength} tokens."));
        string peak = rows[0].Footprint.PeakIsOwn ? "peak memory" : "peak memory (since start)";
        terminal.WriteTable(["kv", "ppl", "/f16", "KL", "same argmax", "pass-key", "KV bytes/token", "/f16", peak], rows.Select(row => (IReadOnlyList<string>)
        [
            row.Kv, Invariant($"{row.Quality.Perplexity.Ppl:0.0000}"), Invariant($"{PplRatio(row, rows):0.0000}"), Divergence(row.Quality.Divergence), Invariant($"{row.Quality.Agreement:0.0%}"),
            row.Passkey is { } found ? Invariant($"{found.Right}/{found.Items}") : "-", Invariant($"{row.Footprint.BytesPerToken:0}"), Invariant($"{BytesRatio(row, rows):0.000}"), Units.Bytes(row.Footprint.PeakBytes),
        ]), 1, 2, 3, 4, 5, 6, 7, 8);
        SpeedRow[] tests = [.. rows[0].Prefill, .. rows[0].Decode];
        if (tests.Length == 0) return;
        terminal.WriteTable(["tokens/s", .. tests.Select(test => $"{test.Test} @{test.Depth}")], rows.Select(row => (IReadOnlyList<string>)
        [
            row.Kv, .. row.Prefill.Concat(row.Decode).Zip(tests, (own, baseline) => Invariant($"{own.TokensPerSecond:0.0} ({own.TokensPerSecond / baseline.TokensPerSecond:0.00}x)")),
        ]), [.. Enumerable.Range(1, tests.Length)]);
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
            Kl = Units.Rounded(row.Quality.Divergence, 9),
            Agree = Units.Rounded(row.Quality.Agreement, 6),
            Passkey = row.Passkey is { } found ? Units.Rounded(found.Accuracy, 6) : (double?)null,
            PasskeyItems = row.Passkey?.Items ?? 0,
            KvBytesPerToken = Units.Rounded(row.Footprint.BytesPerToken, 1),
            KvBytesRatio = Units.Rounded(BytesRatio(row, rows), 6),
            row.Footprint.KvBytes,
            PeakMemoryBytes = row.Footprint.PeakBytes,
            Prefill = Speeds(row.Prefill, rows[0].Prefill),
            Decode = Speeds(row.Decode, rows[0].Decode),
        }),
    };

    public static double PplRatio(ComparisonRow row, IReadOnlyList<ComparisonRow> rows) => row.Quality.Perplexity.Ppl / rows[0].Quality.Perplexity.Ppl;

    public static double BytesRatio(ComparisonRow row, IReadOnlyList<ComparisonRow> rows) => row.Footprint.BytesPerToken / rows[0].Footprint.BytesPerToken;

    /// <summary>Three significant digits over many powers of ten.</summary>
    public static string Divergence(double nats) => nats == 0 ? "0" : nats >= 0.001 ? Invariant($"{nats:0.0000}") : Invariant($"{nats:0.0e-0}");

    private static IEnumerable<object> Speeds(IReadOnlyList<SpeedRow> own, IReadOnlyList<SpeedRow> baseline) =>
        own.Zip(baseline, (row, first) => new { row.Depth, row.TokensPerSecond, row.Min, row.Max, Ratio = Units.Rounded(row.TokensPerSecond / first.TokensPerSecond, 4) });
}
