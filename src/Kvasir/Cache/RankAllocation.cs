namespace Kvasir.Cache;

/// <summary>Divides ranks among heads under one budget.</summary>
internal static class RankAllocation
{
    /// <summary>
    /// Every head gets <paramref name="least"/> ranks; what is left of the budget goes one by one to the largest weight that is not yet
    /// kept, over all heads. Where weights are equal the first head goes first.
    /// </summary>
    /// <param name="weights">By head, descending: what each further rank is worth. A head has no more ranks than weights.</param>
    /// <param name="total">Ranks of all heads together.</param>
    /// <param name="least">Ranks that every head gets; fewer where the budget does not reach.</param>
    public static int[] Solve(IReadOnlyList<double[]> weights, int total, int least)
    {
        least = Math.Min(least, total / weights.Count);
        int[] ranks = [.. weights.Select(head => Math.Min(least, head.Length))];
        IEnumerable<(double Weight, int Head)> rest = weights.SelectMany((head, h) => head.Skip(ranks[h]).Select(weight => (weight, h)));
        foreach ((_, int head) in rest.OrderByDescending(rank => rank.Weight).Take(total - ranks.Sum())) ranks[head]++;
        return ranks;
    }
}
