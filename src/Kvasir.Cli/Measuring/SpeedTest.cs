using System.Diagnostics;
using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Cli;

/// <summary>
/// Prefill and decode speed at given depths. The depth is computed once and forked; every test runs once unmeasured first. Policies take turns round by
/// round, so that a machine whose speed drifts treats all alike. The memory of the process counts the filled caches of all of them: a policy measured
/// alone has a peak of its own.
/// </summary>
internal sealed class SpeedTest : IDisposable
{
    private readonly ForwardSteps _steps;
    private readonly ProgressLine _progress;

    public SpeedTest(Model model, Terminal terminal)
    {
        _steps = new ForwardSteps(model, terminal);
        _progress = new ProgressLine(terminal, "bench");
    }

    /// <summary>Tests of <paramref name="prompt"/> and of <paramref name="generate"/> tokens, 0 for none: rows of all policies for each depth and test.</summary>
    public IEnumerable<SpeedRow> Run(IReadOnlyList<NamedPolicy> policies, IReadOnlyList<int> depths, int prompt, int generate, int repeat)
    {
        foreach (int depth in depths)
        {
            var filled = new List<KvCache>();
            try
            {
                foreach (NamedPolicy policy in policies)
                {
                    _progress.Report(0, 0, $"depth {depth}, {policy.Text}");
                    filled.Add(_steps.Model.NewCache(policy.Policy));
                    _steps.Fill(filled[^1], depth);
                }

                if (prompt > 0)
                    foreach (SpeedRow row in Measure($"pp{prompt}", policies, filled, prompt, repeat, cache => _steps.Fill(cache, prompt, logits: true))) yield return row;
                if (generate > 0)
                    foreach (SpeedRow row in Measure($"tg{generate}", policies, filled, generate, repeat, cache => Decode(cache, generate))) yield return row;
            }
            finally
            {
                foreach (KvCache cache in filled) cache.Dispose();
            }
        }
    }

    public void Dispose()
    {
        _progress.Dispose();
        _steps.Dispose();
    }

    private IReadOnlyList<SpeedRow> Measure(string test, IReadOnlyList<NamedPolicy> policies, List<KvCache> filled, int tokens, int repeat, Action<KvCache> run)
    {
        List<double>[] speeds = [.. policies.Select(_ => new List<double>(repeat))];
        long[] bytes = new long[policies.Count], peaks = new long[policies.Count];
        for (int round = 0; round <= repeat; round++)
        {
            for (int i = 0; i < policies.Count; i++)
            {
                _progress.Report(round, repeat, $"{test} at depth {filled[i].Length}, {policies[i].Text}");
                if (round == 0) PeakMemory.Reset();
                using KvCache cache = filled[i].Fork();
                long started = Stopwatch.GetTimestamp();
                run(cache);
                double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
                bytes[i] = cache.Bytes;
                if (round == 0) peaks[i] = PeakMemory.Read();
                else speeds[i].Add(tokens / seconds);
            }
        }

        _progress.Dispose();
        return [.. policies.Select((policy, i) => SpeedRow.Of(test, filled[i].Length, policy.Text, speeds[i], bytes[i], 1, peaks[i]))];
    }

    private void Decode(KvCache cache, int tokens)
    {
        Span<int> id = stackalloc int[1];
        for (int i = 0; i < tokens; i++)
        {
            id[0] = _steps.ScatteredId(i);
            _steps.Feed(cache, id, LogitRows.Last);
        }
    }
}
