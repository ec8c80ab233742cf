namespace Kvasir.Cli.Measuring;

/// <summary>
/// Time to the first token behind a stored context, against computing the context. All ways take turns round by round, so that a machine
/// whose speed drifts treats all alike; the first round is not timed.
/// </summary>
internal sealed class StoredContextTest(Model model, Terminal terminal) : IDisposable
{
    public const int QuestionTokens = 32;

    private readonly ForwardSteps _steps = new ForwardSteps(model, terminal);
    private readonly ProgressLine _progress = new ProgressLine(terminal, "bench");

    /// <summary>Rows for each context and policy: recomputed, and stored with each repair, warm and cold.</summary>
    public IEnumerable<StoredRow> Run(
        IReadOnlyList<NamedPolicy> policies, IReadOnlyList<int> contexts, IReadOnlyList<ChunkRepair> repairs, int repeat)
    {
        foreach (int tokens in contexts)
            foreach (NamedPolicy policy in policies)
            {
                _progress.Report(0, 0, $"storing {Units.Count(tokens, "token")}, {policy.Text}");
                using var context = new StoredContext(_steps, policy.Policy, tokens);
                foreach (StoredRow row in Measure(context, policy, tokens, repairs, repeat)) yield return row;
            }
    }

    public void Dispose()
    {
        _progress.Dispose();
        _steps.Dispose();
    }

    private IReadOnlyList<StoredRow> Measure(
        StoredContext context, NamedPolicy policy, int tokens, IReadOnlyList<ChunkRepair> repairs, int repeat)
    {
        bool canDrop = context.DropFromMemory();
        if (!canDrop) terminal.Note("this system does not drop files from memory when asked: no cold runs");
        Way[] ways =
        [
            new("recompute", "off", () => Recompute(context, policy.Policy)),
            .. repairs.Select(repair => new Way("warm", repair.ToString(), () => AnswerFromStored(context, policy.Policy, repair))),
            .. repairs.Where(_ => canDrop).Select(repair => new Way("cold", repair.ToString(), () =>
            {
                context.DropFromMemory();
                return AnswerFromStored(context, policy.Policy, repair);
            })),
        ];
        for (int round = 0; round <= repeat; round++)
            foreach (Way way in ways)
            {
                _progress.Report(round, repeat, $"{way.Test} {tokens}, {policy.Text}, repair {way.Repair}");
                Sample sample = way.Run();
                if (round > 0) way.Samples.Add(sample);
            }

        _progress.Dispose();
        double recomputed = Median(ways[0].Samples, sample => sample.Seconds);
        return [.. ways.Select(way => Row(way, policy.Text, tokens, recomputed))];
    }

    private static StoredRow Row(Way way, string kv, int tokens, double recomputed)
    {
        double seconds = Median(way.Samples, sample => sample.Seconds);
        return new StoredRow(
            way.Test, tokens, QuestionTokens, kv, way.Repair, Units.Rounded(seconds, 4),
                Units.Rounded(way.Samples.Min(sample => sample.Seconds), 4), Units.Rounded(way.Samples.Max(sample => sample.Seconds), 4),
            Units.Rounded(Median(way.Samples, sample => sample.CpuSeconds), 4), Units.Rounded(recomputed / seconds, 1),
                Units.Rounded(Median(way.Samples, sample => sample.LoadSeconds), 5),
            way.Samples[^1].LoadedBytes, way.Samples.Max(sample => sample.AllocatedBytes), way.Samples.Count);
    }

    private Sample Recompute(StoredContext context, KvPolicy policy)
    {
        using KvCache cache = _steps.Model.NewCache(policy);
        int[] ids = [.. context.Ids, .. Question(context)];
        var clock = Clock.Start();
        _steps.Prefill(cache, ids, logits: true);
        return new Sample(clock.Seconds, clock.CpuSeconds, 0, 0, 0);
    }

    private Sample AnswerFromStored(StoredContext context, KvPolicy policy, ChunkRepair repair)
    {
        using KvCache cache = _steps.Model.NewCache(policy);
        int[] question = Question(context);
        var clock = Clock.Start();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        context.Place(cache);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        double loaded = clock.Seconds;
        context.Repair(cache, repair, terminal.Interrupted);
        _steps.Prefill(cache, question, logits: true);
        return new Sample(clock.Seconds, clock.CpuSeconds, loaded, context.Bytes, allocated);
    }

    private int[] Question(StoredContext context) => [.. Enumerable.Range(context.Ids.Length, QuestionTokens).Select(_steps.ScatteredId)];

    private static double Median(IReadOnlyList<Sample> samples, Func<Sample, double> value)
    {
        double[] sorted = [.. samples.Select(value).Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>One run until the first token.</summary>
    private readonly record struct Sample(double Seconds, double CpuSeconds, double LoadSeconds, long LoadedBytes, long AllocatedBytes);

    /// <summary>A way to the first token, and its timed runs.</summary>
    private sealed record Way(string Test, string Repair, Func<Sample> Run)
    {
        public List<Sample> Samples { get; } = [];
    }

    /// <summary>Seconds of the wall and of all processors together since it was started.</summary>
    private readonly record struct Clock(long Started, TimeSpan Cpu)
    {
        public static Clock Start() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

        public double Seconds => Stopwatch.GetElapsedTime(Started).TotalSeconds;

        public double CpuSeconds => (Environment.CpuUsage.TotalTime - Cpu).TotalSeconds;
    }
}
