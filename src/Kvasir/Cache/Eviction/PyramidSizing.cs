namespace Kvasir.Cache.Eviction;

/// <summary>
/// PyramidKV (Cai et al. 2024, arXiv:2406.02069): budgets fall on a straight line from the first layer to the last, by a factor that beta =
/// 20 gives, around the mean; a window of 64 tokens comes on top of the mean. Where the line leaves no layer its window, all layers keep as
/// many. As NVIDIA's kvpress has it.
/// </summary>
internal sealed class PyramidSizing : LayerSizing
{
    private const int Window = 64, Beta = 20;

    public override string Name => "pyramid";

    public override int[][] Counts(SizingInput input) =>
        ByLayer(input, layer => LayerBudget(layer, input.Scores.Length, input.Tokens, input.Share));

    /// <summary>Tokens that a layer keeps.</summary>
    public static int LayerBudget(int layer, int layers, int tokens, double share)
    {
        double spread = tokens * share;
        double least = Math.Floor(spread / Beta), most = spread * 2 - least;
        if (most >= tokens - Window) (most, least) = (tokens - Window, spread * 2 - (tokens - Window));
        if (!(tokens >= most && most >= least && least >= Window)) return Math.Max(1, (int)Math.Round(spread));
        double step = (most - least) / Math.Max(1, layers - 1);
        return Math.Clamp((int)Math.Round(most - layer * step), 1, tokens);
    }
}
