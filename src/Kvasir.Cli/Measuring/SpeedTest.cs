using System.Diagnostics;
using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Cli;

/// <summary>One measured row: ppN is prefill of N tokens, tgN generation of N tokens, both behind <c>Depth</c> tokens; tokens/s.</summary>
internal sealed record SpeedRow(string Test, int Depth, string Kv, double TokensPerSecond, double Min, double Max, long KvBytes);

/// <summary>Prefill and decode speed at given depths. The depth is computed once and forked; every test runs once unmeasured first.</summary>
internal sealed class SpeedTest : IDisposable
{
    private const int PrefillSlice = 512;
    private readonly Model _model;
    private readonly Terminal _terminal;
    private readonly Batch _batch = new();

    public SpeedTest(Model model, Terminal terminal)
    {
        _model = model;
        _terminal = terminal;
    }

    public IEnumerable<SpeedRow> Run(string kv, IReadOnlyList<int> depths, int prompt, int generate, int repeat)
    {
        KvPolicy policy = KvPolicy.Parse(kv);
        using var progress = new ProgressLine(_terminal, "bench");
        foreach (int depth in depths)
        {
            using KvCache filled = _model.NewCache(policy);
            progress.Report(0, 0, $"depth {depth}, {kv}");
            Prefill(filled, depth);
            if (prompt > 0) yield return Measure($"pp{prompt}", filled, kv, prompt, repeat, cache => Prefill(cache, prompt), progress);
            if (generate > 0) yield return Measure($"tg{generate}", filled, kv, generate, repeat, cache => Decode(cache, generate), progress);
        }
    }

    public void Dispose() => _batch.Dispose();

    private static SpeedRow Measure(string test, KvCache filled, string kv, int tokens, int repeat, Action<KvCache> run, ProgressLine progress)
    {
        var speeds = new List<double>();
        long bytes = 0;
        for (int round = 0; round <= repeat; round++)
        {
            progress.Report(round, repeat, $"{test} at depth {filled.Length}, {kv}");
            using KvCache cache = filled.Fork();
            long started = Stopwatch.GetTimestamp();
            run(cache);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            bytes = cache.Bytes;
            if (round > 0) speeds.Add(tokens / seconds);
        }

        speeds.Sort();
        double median = repeat % 2 == 1 ? speeds[repeat / 2] : (speeds[repeat / 2 - 1] + speeds[repeat / 2]) / 2;
        progress.Dispose();
        return new SpeedRow(test, filled.Length, kv, Units.Rounded(median, 1), Units.Rounded(speeds[0], 1), Units.Rounded(speeds[^1], 1), bytes);
    }

    private void Prefill(KvCache cache, int tokens)
    {
        int[] ids = [.. Enumerable.Range(0, tokens).Select(Id)];
        for (int start = 0; start < tokens; start += PrefillSlice)
            Feed(cache, ids.AsSpan(start, Math.Min(PrefillSlice, tokens - start)), start + PrefillSlice >= tokens ? LogitRows.Last : LogitRows.None);
    }

    private void Decode(KvCache cache, int tokens)
    {
        Span<int> id = stackalloc int[1];
        for (int i = 0; i < tokens; i++)
        {
            id[0] = Id(i);
            Feed(cache, id, LogitRows.Last);
        }
    }

    private void Feed(KvCache cache, ReadOnlySpan<int> ids, LogitRows rows)
    {
        _terminal.Interrupted.ThrowIfCancellationRequested();
        _batch.Clear();
        _batch.Add(cache, ids, rows);
        _model.Forward(_batch);
    }

    /// <summary>Scattered over the vocabulary, and the same in every run.</summary>
    private int Id(int index) => (int)((1000 + index * 7919L) % Math.Min(20000, _model.Config.Vocabulary));
}
