namespace Kvasir.Cli.Measuring;

/// <summary>
/// Speed tests of several policies behind the same number of tokens. These are computed once for each policy; then policies take turns
/// round by round, so that a machine whose speed drifts treats all alike. The first round is not timed; memory is measured in it.
/// </summary>
internal sealed class SpeedRounds : IDisposable
{
    private readonly IReadOnlyList<NamedPolicy> _policies;
    private readonly ProgressLine _progress;
    private readonly List<KvCache> _filled = [];

    public SpeedRounds(ForwardSteps steps, IReadOnlyList<NamedPolicy> policies, int depth, ProgressLine progress)
    {
        (_policies, _progress) = (policies, progress);
        try
        {
            foreach (NamedPolicy policy in policies)
            {
                progress.Report(0, 0, $"depth {depth}, {policy.Text}");
                _filled.Add(steps.Model.NewCache(policy.Policy));
                steps.Fill(_filled[^1], depth);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>One run of a test.</summary>
    /// <param name="TokensPerSecond">Of all sequences together.</param>
    /// <param name="KvBytes">What they hold at the end.</param>
    public readonly record struct Run(double TokensPerSecond, long KvBytes);

    /// <summary>A row for each policy.</summary>
    /// <param name="test">The test's name, by policy.</param>
    /// <param name="sequences">Sequences of the test, by policy.</param>
    /// <param name="repeat">Timed rounds.</param>
    /// <param name="run">Runs a policy's test on copies of its filled cache.</param>
    public IReadOnlyList<SpeedRow> Measure(Func<int, string> test, Func<int, int> sequences, int repeat, Func<int, KvCache, Run> run)
    {
        List<double>[] speeds = [.. _policies.Select(_ => new List<double>(repeat))];
        long[] bytes = new long[_policies.Count], peaks = new long[_policies.Count];
        for (int round = 0; round <= repeat; round++)
        {
            for (int i = 0; i < _policies.Count; i++)
            {
                _progress.Report(round, repeat, $"{test(i)} at depth {_filled[i].Length}, {_policies[i].Text}");
                if (round == 0) PeakMemory.Reset();
                (double speed, bytes[i]) = run(i, _filled[i]);
                if (round == 0) peaks[i] = PeakMemory.Read();
                else speeds[i].Add(speed);
            }
        }

        _progress.Dispose();
        return [.. _policies.Select((policy, i) =>
            SpeedRow.Of(test(i), _filled[i].Length, policy.Text, speeds[i], bytes[i], sequences(i), peaks[i]))];
    }

    public void Dispose()
    {
        foreach (KvCache cache in _filled) cache.Dispose();
    }
}
