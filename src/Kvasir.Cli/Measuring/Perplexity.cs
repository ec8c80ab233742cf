using System.Diagnostics;
using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Cli;

/// <summary>The perplexity of a text: exp of the mean negative log-likelihood over windows that each start with an empty cache.</summary>
internal sealed record Perplexity(double Nll, long Tokens, long KvBytes, long KvBytesF16, double TokensPerSecond)
{
    private const int ScoredSlice = 128;
    private const int PrefillSlice = 512;

    public double Ppl => Math.Exp(Nll);

    /// <summary>Every window of <paramref name="length"/> ids; every position after the first is scored.</summary>
    public static Perplexity OfWindows(Model model, KvPolicy policy, int[] ids, IReadOnlyList<int> starts, int length, Terminal terminal) =>
        Measure(model, policy, starts, terminal, (cache, batch, start) =>
        {
            double nll = 0;
            long started = Stopwatch.GetTimestamp();
            for (int at = 0; at < length; at += ScoredSlice)
            {
                ReadOnlySpan<int> slice = ids.AsSpan(start + at, Math.Min(ScoredSlice, length - at));
                Feed(model, batch, cache, slice, LogitRows.All, terminal);
                for (int row = 0; row < slice.Length && at + row + 1 < length; row++) nll += Likelihood.NegativeLog(batch.Logits(row), ids[start + at + row + 1]);
            }

            return new Window(nll, length - 1, Stopwatch.GetElapsedTime(started));
        });

    /// <summary>
    /// Every window: <paramref name="prefill"/> ids at once; then <paramref name="score"/> ids fed one after another, each attending to the cache as the policy
    /// keeps it, and the prediction of each scored against the id that follows it.
    /// </summary>
    public static Perplexity OfDecoding(Model model, KvPolicy policy, int[] ids, IReadOnlyList<int> starts, int prefill, int score, Terminal terminal) =>
        Measure(model, policy, starts, terminal, (cache, batch, start) =>
        {
            for (int at = 0; at < prefill; at += PrefillSlice) Feed(model, batch, cache, ids.AsSpan(start + at, Math.Min(PrefillSlice, prefill - at)), LogitRows.None, terminal);
            double nll = 0;
            long started = Stopwatch.GetTimestamp();
            for (int at = start + prefill; at < start + prefill + score; at++)
            {
                Feed(model, batch, cache, [ids[at]], LogitRows.Last, terminal);
                nll += Likelihood.NegativeLog(batch.Logits(0), ids[at + 1]);
            }

            return new Window(nll, score, Stopwatch.GetElapsedTime(started));
        });

    private static Perplexity Measure(Model model, KvPolicy policy, IReadOnlyList<int> starts, Terminal terminal, Func<KvCache, Batch, int, Window> run)
    {
        using var progress = new ProgressLine(terminal, "ppl");
        using var batch = new Batch();
        double nll = 0;
        long tokens = 0, bytes = 0, bytesF16 = 0;
        TimeSpan time = TimeSpan.Zero;
        for (int i = 0; i < starts.Count; i++)
        {
            using KvCache cache = model.NewCache(policy);
            Window window = run(cache, batch, starts[i]);
            nll += window.Nll;
            tokens += window.Tokens;
            time += window.Time;
            bytes = Math.Max(bytes, cache.Bytes);
            bytesF16 = Math.Max(bytesF16, cache.BytesF16);
            progress.Report(i + 1, starts.Count, $"{i + 1}/{starts.Count} windows, ppl {Math.Exp(nll / tokens):0.000}");
        }

        return new Perplexity(nll / tokens, tokens, bytes, bytesF16, tokens / time.TotalSeconds);
    }

    private static void Feed(Model model, Batch batch, KvCache cache, ReadOnlySpan<int> ids, LogitRows rows, Terminal terminal)
    {
        terminal.Interrupted.ThrowIfCancellationRequested();
        batch.Clear();
        batch.Add(cache, ids, rows);
        model.Forward(batch);
    }

    /// <summary>The sum of one window, and the time of what was scored.</summary>
    private sealed record Window(double Nll, int Tokens, TimeSpan Time);
}
