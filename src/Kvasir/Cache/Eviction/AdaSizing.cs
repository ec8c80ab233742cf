namespace Kvasir.Cache.Eviction;

/// <summary>
/// AdaKV (Feng et al. 2024, arXiv:2407.11550): the heads of a layer share one budget. Each first secures a fifth of its even share by its
/// own highest scores; what is left goes to the highest scores of the whole layer.
/// </summary>
internal sealed class AdaSizing : LayerSizing
{
    private const double Secured = 0.2;

    public override string Name => "ada";

    public override int[][] Counts(SizingInput input)
    {
        int secured = Math.Max(1, (int)Math.Floor(input.Even * Secured));
        return [.. input.Scores.Select(heads => Pool(heads, secured, input.Even * heads.Length))];
    }
}
