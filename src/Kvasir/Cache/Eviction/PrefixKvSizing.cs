namespace Kvasir.Cache.Eviction;

/// <summary>
/// PrefixKV (Wang et al. 2024, arXiv:2412.03409): every layer keeps the highest scores that together make up one and the same share of all
/// attention it gets, the share by which the budget is met over all layers: from a profile of sample texts, or searched for each prompt.
/// The first and the last token of a prompt always stay. Where more is protected, the search goes by the attention of the other tokens
/// alone.
/// </summary>
internal sealed class PrefixKvSizing : LayerSizing
{
    private static readonly ReceivedScore s_score = new();

    public override string Name => "prefixkv";

    public override ObservedAttention Needs => s_score.Needs;

    public override int Edges => 1;

    public override int[][] Counts(SizingInput input)
    {
        if (input.LayerShares is { } profile)
        {
            IReadOnlyList<double> ratios = profile.ForgetRatios(input.Share);
            return ByLayer(input, layer => Math.Max(1, input.Tokens - (int)Math.Round(ratios[layer] * input.Tokens)));
        }
        if (input.ImageAttention is { } attention)
        {
            int[] keep = PrefixKvAllotment.Divide(attention, (int)Math.Round(input.Share * input.Tokens));
            return ByLayer(input, layer => keep[layer]);
        }
        bool[] stays = [.. input.Scores[0][0].Select(float.IsPositiveInfinity)];
        bool isMoreProtected = stays.Count(stay => stay) > 2 * Edges;
        int[] forget = new PrefixKvSearch([.. input.Layers.Select(layer => s_score.Score(layer)[0])], isMoreProtected ? stays : null)
            .Run(1 - input.Share).Forget;
        return ByLayer(input, layer => input.Tokens - forget[layer]);
    }
}
