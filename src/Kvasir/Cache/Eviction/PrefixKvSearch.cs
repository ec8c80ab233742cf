namespace Kvasir.Cache.Eviction;

/// <summary>What a search found.</summary>
/// <param name="Forget">Tokens that each layer forgets.</param>
/// <param name="RawForget">The same before they were scaled to the budget.</param>
/// <param name="Threshold">The share of the attention that the kept tokens of each layer make up.</param>
/// <param name="Iterations">Steps of the search.</param>
/// <param name="Met">Whether it met the budget within 5 tokens; it ends after 100 steps in any case, where the authors' code can go on for
/// ever.</param>
internal sealed record PrefixKvSizes(int[] Forget, int[] RawForget, double Threshold, int Iterations, bool Met);

/// <summary>
/// PrefixKV's binary search for one threshold over all layers. Scores of a layer are sorted, normalised and summed up; a layer keeps as
/// many as first reach the threshold, and besides those that stay in any case: its first and last token, or what is left out.
/// </summary>
internal sealed class PrefixKvSearch
{
    private const int MostIterations = 100, Edges = 2;
    private const double Near = 5;

    private readonly int _tokens, _staying;
    private readonly float[][] _sums;

    /// <param name="scores">[layers][tokens]</param>
    /// <param name="leftOut">
    /// Tokens that stay in any case and are not searched among: their attention would starve layers that look at little else.
    /// </param>
    public PrefixKvSearch(IReadOnlyList<float[]> scores, IReadOnlyList<bool>? leftOut = null)
    {
        _tokens = scores[0].Length;
        _staying = leftOut?.Count(isLeftOut => isLeftOut) ?? Edges;
        _sums = [.. scores.Select(layer => RunningSum([.. layer.Where((_, token) => leftOut?[token] != true)]))];
    }

    /// <summary>Marks the first and the last of so many tokens, to be left out.</summary>
    public static bool[] EdgesOf(int tokens) => [.. Enumerable.Range(0, tokens).Select(token => token == 0 || token == tokens - 1)];

    /// <summary>Shares that the highest scores of a layer make up together.</summary>
    public ReadOnlySpan<float> RunningSum(int layer) => _sums[layer];

    /// <summary>Finds how many tokens each layer forgets.</summary>
    /// <param name="forgetRatio">The share of all tokens to forget.</param>
    public PrefixKvSizes Run(double forgetRatio)
    {
        double target = (double)_tokens * _sums.Length * forgetRatio, low = 0, high = 1, threshold = 0;
        int[] raw = [];
        int iterations = 0;
        bool met = false;
        while (!met && iterations < MostIterations)
        {
            iterations++;
            threshold = (low + high) / 2;
            raw = [.. _sums.Select(sums => Forgotten(sums, (float)threshold))];
            long sum = raw.Sum(count => (long)count);
            met = Math.Abs(sum - target) < Near;
            if (sum < target) high = threshold;
            else low = threshold;
        }
        double all = Math.Max(1, raw.Sum(count => (long)count));
        return new PrefixKvSizes([.. raw.Select(count => Math.Min(_tokens, (int)(count * target / all)))], raw, threshold, iterations, met);
    }

    private int Forgotten(float[] sums, float threshold)
    {
        int reached = Array.FindIndex(sums, sum => sum >= threshold);
        return Math.Max(0, _tokens - ((reached < 0 ? sums.Length - 1 : reached) + 1) - _staying);
    }

    private static float[] RunningSum(float[] scores)
    {
        float[] sorted = [.. scores.OrderDescending()];
        double all = Math.Max(sorted.Sum(score => (double)score), double.Epsilon), sum = 0;
        return [.. sorted.Select(score => (float)(sum += (float)(score / all)))];
    }
}
