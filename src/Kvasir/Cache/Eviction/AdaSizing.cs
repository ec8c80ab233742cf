namespace Kvasir.Cache.Eviction;

/// <summary>
/// AdaKV (Feng et al. 2024, arXiv:2407.11550): the heads of a layer share one budget. Each first secures a fifth of its even share by its own highest scores; what is left
/// goes to the highest scores of the whole layer.
/// </summary>
internal sealed class AdaSizing : LayerSizing
{
    private const double Secured = 0.2;

    public override string Name => "ada";

    public override int[][] Counts(SizingInput input) => [.. input.Scores.Select(heads => Divide(heads, input.Even))];

    private static int[] Divide(float[][] heads, int even)
    {
        int secured = Math.Max(1, (int)Math.Floor(even * Secured));
        int[] counts = [.. heads.Select(_ => secured)];
        IEnumerable<(int Head, float Score)> open = heads.SelectMany((scores, head) => scores.OrderDescending().Skip(secured).Select(score => (head, score)));
        foreach ((int head, _) in open.OrderByDescending(token => token.Score).Take(heads.Length * (even - secured))) counts[head]++;
        return counts;
    }
}
