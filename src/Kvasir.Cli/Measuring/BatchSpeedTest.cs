namespace Kvasir.Cli.Measuring;

/// <summary>How many sequences a batch test runs at once.</summary>
/// <param name="Sequences">So many at most; null for as many as fit.</param>
/// <param name="Budget">The bytes into which all of them have to fit to their last token; null for any number.</param>
internal sealed record BatchSize(int? Sequences, long? Budget)
{
    /// <exception cref="InvalidInputException">Not even one fits.</exception>
    public int Of(NamedPolicy policy, KvForecast forecast, int tokens)
    {
        if (Budget is not long budget) return Sequences!.Value;
        int fit = forecast.MostSequences(budget, tokens);
        if (fit == 0)
            throw new InvalidInputException(
                $"--kv-budget {Units.Bytes(budget)} holds no sequence of {tokens} tokens with {policy.Text}: one takes "
                + $"{Units.Bytes(forecast.MostBytes(tokens))}, and a pass {Units.Bytes(forecast.PassBytes(tokens, 1))} besides");
        return Math.Min(fit, Sequences ?? MostSequences);
    }

    /// <summary>What a step is asked to serve at most.</summary>
    public const int MostSequences = 4096;
}

/// <summary>
/// Decode speed of many sequences at once, one token of each in every pass. What was computed for the depth is copied block by block, so
/// that every sequence reads memory of its own; only one policy holds its batch at a time.
/// </summary>
internal sealed class BatchSpeedTest(Model model, Terminal terminal) : IDisposable
{
    private readonly ForwardSteps _steps = new ForwardSteps(model, terminal);
    private readonly ProgressLine _progress = new ProgressLine(terminal, "bench");
    private readonly Batch _batch = new();

    /// <summary>A row for each depth and policy: <paramref name="generate"/> tokens in each of the sequences.</summary>
    public IEnumerable<SpeedRow> Run(
        IReadOnlyList<NamedPolicy> policies, IReadOnlyList<int> depths, int generate, int repeat, BatchSize size)
    {
        foreach (int depth in depths)
        {
            int[] sequences = [.. policies.Select(policy => size.Of(policy, _steps.Model.Forecast(policy.Policy), depth + generate))];
            Tell(policies, sequences, depth + generate, size);
            using var rounds = new SpeedRounds(_steps, policies, depth, _progress);
            foreach (SpeedRow row in rounds.Measure(i => $"b{sequences[i]}-tg{generate}", i => sequences[i], repeat, (i, filled) =>
                Decode(filled, sequences[i], generate, size.Budget ?? long.MaxValue))) yield return row;
        }
    }

    public void Dispose()
    {
        _progress.Dispose();
        _batch.Dispose();
        _steps.Dispose();
    }

    private void Tell(IReadOnlyList<NamedPolicy> policies, int[] sequences, int tokens, BatchSize size)
    {
        if (size.Budget is not long budget) return;
        for (int i = 0; i < policies.Count; i++)
            terminal.Note(
                $"budget {Units.Bytes(budget)}: {Units.Count(sequences[i], "sequence")} of {Units.Count(tokens, "token")} "
                + $"{(sequences[i] == size.Sequences ? "as asked" : "fit")} with {policies[i].Text}");
    }

    /// <summary>Copies the filled cache for every sequence and decodes.</summary>
    private SpeedRounds.Run Decode(KvCache filled, int sequences, int generate, long budget)
    {
        using var pool = new BlockPool(budget);
        var caches = new List<KvCache>(sequences);
        try
        {
            while (caches.Count < sequences)
            {
                caches.Add(filled.Duplicate(pool));
                caches[^1].Reserve(generate);
            }

            long started = Stopwatch.GetTimestamp();
            for (int step = 0; step < generate; step++) Step(caches, step);
            return new SpeedRounds.Run((double)sequences * generate / Stopwatch.GetElapsedTime(started).TotalSeconds, pool.Bytes);
        }
        finally
        {
            foreach (KvCache cache in caches) cache.Dispose();
        }
    }

    private void Step(List<KvCache> caches, int step)
    {
        terminal.Interrupted.ThrowIfCancellationRequested();
        _batch.Clear();
        for (int i = 0; i < caches.Count; i++) _batch.Add(caches[i], [_steps.ScatteredId(step * caches.Count + i)]);
        _steps.Model.Forward(_batch);
    }
}
