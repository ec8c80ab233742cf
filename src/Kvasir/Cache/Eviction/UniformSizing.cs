namespace Kvasir.Cache.Eviction;

/// <summary>All heads of all layers keep as many: max(1, floor(n share)).</summary>
internal sealed class UniformSizing : LayerSizing
{
    public override string Name => "uniform";

    public override int[][] Counts(SizingInput input) => ByLayer(input, _ => input.Even);
}
