namespace Kvasir.Cache.Eviction;

/// <summary>
/// PrefixKV's rule without its search: every layer keeps the fewest highest scores that together reach one and the same share of the
/// attention it gets, at least one. A token stays as long as those before it in its layer have not reached the share, so as many tokens as
/// the budget has, in the order of what the ones before them make up, are the answer, to the token.
/// </summary>
internal static class PrefixKvAllotment
{
    /// <summary>How many tokens each layer keeps.</summary>
    /// <param name="attention">[layers][tokens]</param>
    /// <param name="perLayer">Tokens of a layer that are kept on average.</param>
    public static int[] Divide(float[][] attention, int perLayer)
    {
        var kept = new int[attention.Length];
        IEnumerable<(double Before, int Layer)> tokens =
            attention.SelectMany((scores, layer) => Before(scores).Select(share => (share, layer)));
        foreach ((_, int layer) in tokens.OrderBy(token => token.Before).Take(Math.Max(1, perLayer) * attention.Length)) kept[layer]++;
        return kept;
    }

    /// <summary>The share that the higher scores make up together, of each score from the highest on.</summary>
    private static IEnumerable<double> Before(float[] scores)
    {
        double all = Math.Max(scores.Sum(score => (double)score), double.Epsilon), sum = 0;
        foreach (float score in scores.OrderDescending())
        {
            yield return sum / all;
            sum += score;
        }
    }
}
