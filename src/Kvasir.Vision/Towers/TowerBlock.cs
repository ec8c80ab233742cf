using Kvasir.Models;

namespace Kvasir.Vision.Towers;

/// <summary>The weights of one block: pre-norm attention and a feed-forward layer without gate.</summary>
internal sealed record TowerBlock(
    NormWeights AttentionNorm, Linear Query, Linear Key, Linear Value, Linear Output, NormWeights FeedForwardNorm, Linear Up, Linear Down)
{
    /// <summary>
    /// Reads <c>v.blk.N</c>. Older files call the first matrix of the feed-forward layer <c>ffn_down</c> and the second <c>ffn_up</c>; the
    /// shapes tell.
    /// </summary>
    public static TowerBlock Read(TowerTensors tensors, TowerSpec spec, int number)
    {
        string prefix = $"v.blk.{number}.";
        int width = spec.Width;
        bool swapped = tensors.Has(prefix + "ffn_down.weight") && tensors.RowsOf(prefix + "ffn_down.weight") == spec.FeedForward
            && spec.FeedForward != width;
        (string first, string second) = swapped ? ("ffn_down", "ffn_up") : ("ffn_up", "ffn_down");
        Linear Square(string name) => tensors.Linear(prefix + name, width, width);
        return new TowerBlock(
            tensors.RequiredNorm(prefix + "ln1", width, spec.Epsilon), Square("attn_q"), Square("attn_k"), Square("attn_v"),
            Square("attn_out"), tensors.RequiredNorm(prefix + "ln2", width, spec.Epsilon),
            tensors.Linear(prefix + first, spec.FeedForward, width), tensors.Linear(prefix + second, width, spec.FeedForward));
    }
}
