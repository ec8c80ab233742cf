namespace Kvasir.Cache.Eviction;

/// <summary>
/// KVzip's (Kim et al. 2025, arXiv:2505.23416): all heads of all layers share one budget, which goes to the highest scores of the whole
/// model. For scores that mean the same in every head, as shares of attention do.
/// </summary>
internal sealed class GlobalSizing : LayerSizing
{
    public override string Name => "global";

    public override int[][] Counts(SizingInput input)
    {
        float[][] heads = [.. input.Scores.SelectMany(layer => layer)];
        int[] counts = Pool(heads, 1, input.Even * heads.Length);
        int next = 0;
        return [.. input.Scores.Select(layer => layer.Select(_ => counts[next++]).ToArray())];
    }
}
