namespace Kvasir.Cli.Measuring;

/// <summary>The perplexity of a text: exp of the mean negative log-likelihood over windows that each start with an empty cache.</summary>
internal sealed record Perplexity(double Nll, long Tokens, long KvBytes, long KvBytesF16, double TokensPerSecond)
{
    private const int ScoredSlice = 128;

    public double Ppl => Math.Exp(Nll);

    /// <summary>Every position of the windows after the first is scored.</summary>
    public static Perplexity OfWindows(Model model, KvPolicy policy, IReadOnlyList<int[]> windows, Terminal terminal)
    {
        if (policy.Eviction is { Budget: null })
            throw new InvalidInputException($"--window scores the prompt itself, from which "
            + $"{policy.Eviction} has evicted nothing yet; use --prefill and --score");
        using var progress = new ProgressLine(terminal, "ppl");
        using var steps = new ForwardSteps(model, terminal);
        var sum = new PerplexitySum();
        for (int i = 0; i < windows.Count; i++)
        {
            using KvCache cache = model.NewCache(policy);
            int[] window = windows[i];
            cache.Steer(policy.Steering, window.Length);
            long started = Stopwatch.GetTimestamp();
            for (int at = 0; at < window.Length; at += ScoredSlice)
            {
                ReadOnlySpan<int> slice = window.AsSpan(at, Math.Min(ScoredSlice, window.Length - at));
                steps.Feed(cache, slice, LogitRows.All);
                for (int row = 0; row < slice.Length && at + row + 1 < window.Length; row++)
                    sum.Add(Likelihood.NegativeLog(steps.Logits(row), window[at + row + 1]));
            }

            sum.Add(cache, Stopwatch.GetElapsedTime(started));
            progress.Report(i + 1, windows.Count, $"{i + 1}/{Units.Count(windows.Count, "window")}, ppl {sum.Mean.Ppl:0.000}");
        }

        return sum.Mean;
    }
}

/// <summary>Adds up what a <see cref="Perplexity"/> is the mean of.</summary>
internal sealed class PerplexitySum
{
    private double _nll;
    private long _tokens, _bytes, _bytesF16;
    private TimeSpan _time;

    public Perplexity Mean => new(_nll / _tokens, _tokens, _bytes, _bytesF16, _tokens / _time.TotalSeconds);

    public void Add(double nll)
    {
        _nll += nll;
        _tokens++;
    }

    /// <summary>A window is done: the bytes that its cache holds, of which the most counts, and the time of what was scored.</summary>
    public void Add(KvCache cache, TimeSpan time)
    {
        _bytes = Math.Max(_bytes, cache.Bytes);
        _bytesF16 = Math.Max(_bytesF16, cache.BytesF16);
        _time += time;
    }
}
