namespace Kvasir.Cache.Eviction;

/// <summary>
/// KVzip's (Kim et al. 2025, arXiv:2505.23416): all heads of all layers share one budget, which goes to the highest scores of the whole model. For scores that mean the same
/// in every head, as shares of attention do.
/// </summary>
internal sealed class GlobalSizing : LayerSizing
{
    public override string Name => "global";

    public override int[][] Counts(SizingInput input)
    {
        float[] all = [.. input.Scores.SelectMany(heads => heads).SelectMany(scores => scores)];
        Array.Sort(all);
        int budget = input.Even * input.Scores.Sum(heads => heads.Length);
        float least = all[Math.Max(0, all.Length - budget)];
        int above = all.Length - Array.FindLastIndex(all, score => score <= least) - 1, ties = budget - above;
        return [.. input.Scores.Select(heads => heads.Select(Count).ToArray())];

        int Count(float[] scores)
        {
            int tied = Math.Min(ties, scores.Count(score => score == least));
            ties -= tied;
            return Math.Max(1, scores.Count(score => score > least) + tied);
        }
    }
}
