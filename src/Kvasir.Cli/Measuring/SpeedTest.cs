namespace Kvasir.Cli.Measuring;

/// <summary>
/// Prefill and decode speed at given depths, on forks of what was computed for the depth. The memory of the process counts the filled
/// caches of all policies: one measured alone has a peak of its own.
/// </summary>
internal sealed class SpeedTest(Model model, Terminal terminal) : IDisposable
{
    private readonly ForwardSteps _steps = new ForwardSteps(model, terminal);
    private readonly ProgressLine _progress = new ProgressLine(terminal, "bench");

    /// <summary>
    /// Tests of <paramref name="prompt"/> and <paramref name="generate"/> tokens, 0 for none: all policies by depth and test.
    /// </summary>
    public IEnumerable<SpeedRow> Run(IReadOnlyList<NamedPolicy> policies, IReadOnlyList<int> depths, int prompt, int generate, int repeat)
    {
        foreach (int depth in depths)
        {
            using var rounds = new SpeedRounds(_steps, policies, depth, _progress);
            if (prompt > 0)
                foreach (SpeedRow row in Measure(rounds, $"pp{prompt}", prompt, repeat, cache => _steps.Fill(cache, prompt, logits: true)))
                    yield return row;
            if (generate > 0)
                foreach (SpeedRow row in Measure(rounds, $"tg{generate}", generate, repeat, cache => Decode(cache, generate)))
                    yield return row;
        }
    }

    public void Dispose()
    {
        _progress.Dispose();
        _steps.Dispose();
    }

    private static IReadOnlyList<SpeedRow> Measure(SpeedRounds rounds, string test, int tokens, int repeat, Action<KvCache> run) =>
        rounds.Measure(_ => test, _ => 1, repeat, (_, filled) =>
        {
            using KvCache cache = filled.Fork();
            long started = Stopwatch.GetTimestamp();
            run(cache);
            return new SpeedRounds.Run(tokens / Stopwatch.GetElapsedTime(started).TotalSeconds, cache.Bytes);
        });

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
