using System.Numerics.Tensors;

namespace Kvasir.Cli.Measuring;

/// <summary>How well a model goes on through the cache that a policy keeps.</summary>
/// <param name="Perplexity">Over all scored tokens.</param>
/// <param name="Divergence">Mean KL(reference || policy) of the predictions, in nats.</param>
/// <param name="Agreement">Share of predictions whose most probable token is the reference's.</param>
/// <param name="WindowNll">Mean negative log-likelihood of each window.</param>
/// <param name="WindowDivergence">Mean divergence of each window.</param>
internal sealed record DecodingQuality(
    Perplexity Perplexity, double Divergence, double Agreement, IReadOnlyList<double> WindowNll, IReadOnlyList<double> WindowDivergence)
{
    /// <summary>
    /// Of every window, <paramref name="prefill"/> ids are computed at once; then all but the last are fed one after another, each
    /// attending to the cache as the policy keeps it, and each prediction is scored against the id that follows. The caches of all policies
    /// take every step in one batch.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="policies">The first is the reference.</param>
    /// <param name="windows">Ids; each window starts with an empty cache.</param>
    /// <param name="prefill">Ids computed at once; fewer than a window has.</param>
    /// <param name="terminal">For progress.</param>
    public static IReadOnlyList<DecodingQuality> Measure(
        Model model, IReadOnlyList<KvPolicy> policies, IReadOnlyList<int[]> windows, int prefill, Terminal terminal)
    {
        using var progress = new ProgressLine(terminal, "perplexity");
        using var steps = new ForwardSteps(model, terminal);
        Sum[] sums = [.. policies.Select(_ => new Sum())];
        for (int i = 0; i < windows.Count; i++)
        {
            KvCache[] caches = [.. policies.Select(policy => model.NewCache(policy))];
            try
            {
                for (int p = 0; p < caches.Length; p++) caches[p].Steer(policies[p].Steering, prefill);
                Run(steps, caches, windows[i], prefill, sums);
            }
            finally
            {
                foreach (KvCache cache in caches) cache.Dispose();
            }

            progress.Report(i + 1, windows.Count,
                $"{i + 1}/{Units.Count(windows.Count, "window")}, ppl {sums[0].Perplexity.Mean.Ppl:0.000}");
        }

        return [.. sums.Select(sum => sum.Mean)];
    }

    private static void Run(ForwardSteps steps, KvCache[] caches, int[] window, int prefill, Sum[] sums)
    {
        foreach (KvCache cache in caches) steps.Prefill(cache, window.AsSpan(0, prefill));
        long started = Stopwatch.GetTimestamp();
        for (int at = prefill; at + 1 < window.Length; at++)
        {
            steps.Step(caches, window[at]);
            Score(steps, window[at + 1], sums);
        }

        TimeSpan time = Stopwatch.GetElapsedTime(started);
        for (int i = 0; i < caches.Length; i++) sums[i].EndWindow(caches[i], time, window.Length - 1 - prefill);
    }

    private static void Score(ForwardSteps steps, int next, Sum[] sums)
    {
        ReadOnlySpan<float> reference = steps.Logits();
        double normalizer = Likelihood.LogSumExp(reference);
        int choice = TensorPrimitives.IndexOfMax(reference);
        sums[0].Add(normalizer - reference[next], 0, true);
        for (int i = 1; i < sums.Length; i++)
        {
            ReadOnlySpan<float> logits = steps.Logits(i);
            double own = Likelihood.LogSumExp(logits);
            sums[i].Add(own - logits[next], Likelihood.Divergence(reference, normalizer, logits, own),
                TensorPrimitives.IndexOfMax(logits) == choice);
        }
    }

    private sealed class Sum
    {
        private readonly List<double> _windowNll = [], _windowDivergence = [];
        private double _divergence, _nllHere, _divergenceHere;
        private long _agreed, _tokens;

        public PerplexitySum Perplexity { get; } = new();

        public DecodingQuality Mean =>
            new(Perplexity.Mean, _divergence / _tokens, (double)_agreed / _tokens, _windowNll, _windowDivergence);

        public void Add(double nll, double divergence, bool agrees)
        {
            Perplexity.Add(nll);
            _nllHere += nll;
            _divergence += divergence;
            _divergenceHere += divergence;
            _agreed += agrees ? 1 : 0;
            _tokens++;
        }

        public void EndWindow(KvCache cache, TimeSpan time, int scored)
        {
            Perplexity.Add(cache, time);
            _windowNll.Add(_nllHere / scored);
            _windowDivergence.Add(_divergenceHere / scored);
            (_nllHere, _divergenceHere) = (0, 0);
        }
    }
}
