using System.Diagnostics;
using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Cli;

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
            throw new InvalidInputException($"--kv-budget {Units.Bytes(budget)} holds no sequence of {tokens} tokens with {policy.Text}: one takes {Units.Bytes(forecast.MostBytes(tokens))}, and a pass {Units.Bytes(forecast.PassBytes(tokens, 1))} besides");
        return Math.Min(fit, Sequences ?? MostSequences);
    }

    /// <summary>What a step is asked to serve at most.</summary>
    public const int MostSequences = 4096;
}

/// <summary>
/// Decode speed of many sequences at once, one token of each in every pass. The depth is computed once for each policy and copied block by block, so that
/// every sequence reads memory of its own. Policies take turns round by round; only one of them holds its batch at a time.
/// </summary>
internal sealed class BatchSpeedTest : IDisposable
{
    private readonly ForwardSteps _steps;
    private readonly Terminal _terminal;
    private readonly ProgressLine _progress;
    private readonly Batch _batch = new();

    public BatchSpeedTest(Model model, Terminal terminal)
    {
        _steps = new ForwardSteps(model, terminal);
        _terminal = terminal;
        _progress = new ProgressLine(terminal, "bench");
    }

    /// <summary>A row for each depth and policy: <paramref name="generate"/> tokens in each of the sequences.</summary>
    public IEnumerable<SpeedRow> Run(IReadOnlyList<NamedPolicy> policies, IReadOnlyList<int> depths, int generate, int repeat, BatchSize size)
    {
        foreach (int depth in depths)
        {
            int[] sequences = [.. policies.Select(policy => size.Of(policy, _steps.Model.Forecast(policy.Policy), depth + generate))];
            Tell(policies, sequences, depth + generate, size);
            var filled = new List<KvCache>();
            try
            {
                foreach (NamedPolicy policy in policies)
                {
                    _progress.Report(0, 0, $"depth {depth}, {policy.Text}");
                    filled.Add(_steps.Model.NewCache(policy.Policy));
                    _steps.Fill(filled[^1], depth);
                }

                foreach (SpeedRow row in Measure(policies, filled, sequences, generate, repeat, size.Budget ?? long.MaxValue)) yield return row;
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
        _batch.Dispose();
        _steps.Dispose();
    }

    private void Tell(IReadOnlyList<NamedPolicy> policies, int[] sequences, int tokens, BatchSize size)
    {
        if (size.Budget is not long budget) return;
        for (int i = 0; i < policies.Count; i++) _terminal.Note($"budget {Units.Bytes(budget)}: {sequences[i]:N0} {(sequences[i] == 1 ? "sequence" : "sequences")} of {tokens:N0} tokens {(sequences[i] == size.Sequences ? "as asked" : "fit")} with {policies[i].Text}");
    }

    private IReadOnlyList<SpeedRow> Measure(IReadOnlyList<NamedPolicy> policies, List<KvCache> filled, int[] sequences, int generate, int repeat, long budget)
    {
        List<double>[] speeds = [.. policies.Select(_ => new List<double>(repeat))];
        long[] bytes = new long[policies.Count], peaks = new long[policies.Count];
        for (int round = 0; round <= repeat; round++)
        {
            for (int i = 0; i < policies.Count; i++)
            {
                _progress.Report(round, repeat, $"{sequences[i]} sequences at depth {filled[i].Length}, {policies[i].Text}");
                if (round == 0) PeakMemory.Reset();
                (double seconds, bytes[i]) = Decode(filled[i], sequences[i], generate, budget);
                if (round == 0) peaks[i] = PeakMemory.Read();
                else speeds[i].Add((double)sequences[i] * generate / seconds);
            }
        }

        _progress.Dispose();
        return [.. policies.Select((policy, i) => SpeedRow.Of($"b{sequences[i]}-tg{generate}", filled[i].Length, policy.Text, speeds[i], bytes[i], sequences[i], peaks[i]))];
    }

    /// <summary>Copies the filled cache for every sequence and decodes; the time of decoding, and the bytes that the sequences hold at the end.</summary>
    private (double Seconds, long Bytes) Decode(KvCache filled, int sequences, int generate, long budget)
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
            return (Stopwatch.GetElapsedTime(started).TotalSeconds, pool.Bytes);
        }
        finally
        {
            foreach (KvCache cache in caches) cache.Dispose();
        }
    }

    private void Step(List<KvCache> caches, int step)
    {
        _terminal.Interrupted.ThrowIfCancellationRequested();
        _batch.Clear();
        for (int i = 0; i < caches.Count; i++) _batch.Add(caches[i], [_steps.ScatteredId(step * caches.Count + i)]);
        _steps.Model.Forward(_batch);
    }
}
