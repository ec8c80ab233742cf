using System.Buffers;

namespace Kvasir.Cache.Eviction;

/// <summary>What a second reading of a text showed.</summary>
/// <param name="Attention">The attention that its tokens got.</param>
/// <param name="OutputGram">By layer and query head, the products of the columns that the output projection reads a value by.</param>
internal sealed record SecondReading(AttentionStatistics Attention, Func<int, int, float[]> OutputGram);

/// <summary>Applies a policy to a run of tokens: which of them stay, in each kv head.</summary>
internal static class TokenSelection
{
    /// <summary>The positions that stay, ascending, [layers][kv heads].</summary>
    /// <param name="cache">A cache that holds the whole region.</param>
    /// <param name="region">The run of tokens.</param>
    /// <param name="again">What was observed of a second reading, where the score needs one.</param>
    public static int[][][] Choose(KvCache cache, EvictionRegion region, SecondReading? again)
    {
        EvictionPolicy policy = cache.Policy.Eviction!;
        float[] keyRows = [], valueRows = [];
        ScoredLayer[] layers = [.. cache.Layers.Select((state, layer) => new ScoredLayer
        {
            Layout = state.Layout,
            First = region.First,
            Count = region.Count,
            FirstQuery = region.FirstQuery,
            Attention = cache.Observed?[layer],
            Again = again?.Attention[layer],
            OutputGram = head => again!.OutputGram(layer, head),
            Keys = head => Rows(state, head, keys: true, ref keyRows),
            Values = head => Rows(state, head, keys: false, ref valueRows),
            Kernels = cache.Layout.Kernels,
        })];
        region.Protect(0, cache.Policy.Sink);
        region.Protect(region.End - region.Newest(policy), region.End);
        return policy.IsFastGen && again is not null ? ByRecovery(region, layers, policy)
            : policy.IsFastGen ? ByHead(cache, region, layers, policy.Recovery!.Value)
            : policy.OnlyImages ? ByScore(region, region.Images, layers, policy) : ByScore(region, null, layers, policy);

        float[] Rows(LayerCache state, int head, bool keys, ref float[] rows)
        {
            int length = region.Count * (keys ? state.Layout.KeyChannels : state.Layout.ValueChannels);
            if (rows.Length != length) rows = new float[length];
            state.Heads[head].ReadRows(region.First, region.Count, keys, rows);
            return rows;
        }
    }

    /// <summary>The places of the highest scores, ascending; of equal ones the first.</summary>
    public static int[] Highest(ReadOnlySpan<float> scores, int count)
    {
        int[] order = ArrayPool<int>.Shared.Rent(scores.Length);
        Order(scores, order);
        int[] highest = order[..Math.Min(count, scores.Length)];
        ArrayPool<int>.Shared.Return(order);
        Array.Sort(highest);
        return highest;
    }

    /// <summary>Writes the places of all scores, the highest first; of equal ones the first.</summary>
    public static void Order(ReadOnlySpan<float> scores, Span<int> places)
    {
        ulong[] keys = ArrayPool<ulong>.Shared.Rent(scores.Length);
        for (int i = 0; i < scores.Length; i++) keys[i] = (ulong)FallingBits(scores[i]) << 32 | (uint)i;
        keys.AsSpan(0, scores.Length).Sort();
        for (int i = 0; i < scores.Length; i++) places[i] = (int)(uint)keys[i];
        ArrayPool<ulong>.Shared.Return(keys);
    }

    /// <summary>A number that is the smaller, the higher a score is; the largest for what is no number.</summary>
    private static uint FallingBits(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(0 - score); // of both zeros the same
        return float.IsNaN(score) ? uint.MaxValue : bits >> 31 == 0 ? bits | 1u << 31 : ~bits;
    }

    /// <summary>Keeps the highest scores of all tokens of a region, or of its images alone, of which the share is then meant.</summary>
    private static int[][][] ByScore(EvictionRegion region, int[]? images, ScoredLayer[] layers, EvictionPolicy policy)
    {
        LayerSizing sizing = policy.LayerSizing;
        if (images is null)
        {
            region.Protect(0, sizing.Edges);
            region.Protect(region.End - sizing.Edges, region.End);
        }
        int[] tokens = images ?? [.. Enumerable.Range(0, region.Count)];
        int[] text = images is null ? [] : [.. Enumerable.Range(0, region.Count).Except(images)];
        if (tokens.Length == 0) return [.. layers.Select(layer => layer.ForHeads(_ => Positions(region, text)))];
        float[][][] scores = [.. layers.Select(layer => policy.TokenScore.Score(layer).Select(head => WithProtected(head, region, tokens))
            .ToArray())];
        var input = new SizingInput(tokens.Length, policy.Share!.Value, scores, layers, policy.LayerShares)
        {
            ImageAttention = images is null || sizing is not PrefixKvSizing ? null
                : [.. layers.Select(layer => Attention(layer, policy, tokens))],
        };
        int[][] counts = sizing.Counts(input);
        int least = Math.Max(1, tokens.Count(token => region.Protected[token]));
        return [.. scores.Select((heads, l) => heads.Select((head, h) => Positions(region,
            [.. Highest(head, Math.Max(least, counts[l][h])).Select(place => tokens[place]).Concat(text).Order()])).ToArray())];
    }

    /// <summary>What a budget is divided by: the score itself where it is attention, else what tokens get from all queries.</summary>
    private static float[] Attention(ScoredLayer layer, EvictionPolicy policy, int[] tokens)
    {
        if (policy.LayerShares is not null) return [];
        float[] all = (policy.TokenScore.IsLayerAttention ? policy.TokenScore : new ReceivedScore()).Score(layer)[0];
        return [.. tokens.Select(token => all[token])];
    }

    private static int[][][] ByRecovery(EvictionRegion region, ScoredLayer[] layers, EvictionPolicy policy)
    {
        bool[] always = [.. FastGen.SpecialTokens(region.Ids, region.First, policy.Classes!)
            .Select((special, token) => special || region.Protected[token])];
        return [.. layers.Select(layer => layer.ForHeads(head =>
            Positions(region, FewestTokens.Of(layer, head, policy.Recovery!.Value, always))))];
    }

    private static int[][][] ByHead(KvCache cache, EvictionRegion region, ScoredLayer[] layers, double recovery)
    {
        var fastGen = new FastGen(region.Ids, region.First, cache.Policy.Eviction!.Classes!);
        if (region.IsPrompt) cache.HeadPolicies =
            [.. layers.Select(layer => layer.ForHeads(head => fastGen.Choose(layer, head, recovery)))];
        return [.. layers.Select((layer, l) => layer.ForHeads(head => Kept(layer, head, cache.HeadPolicies![l][head])))];

        int[] Kept(ScoredLayer layer, int head, int policy)
        {
            bool[] keeps = fastGen.Keeps(layer, head, policy);
            int[] kept = [.. Enumerable.Range(0, keeps.Length).Where(token => keeps[token] || region.Protected[token])];
            return Positions(region, kept.Length > 0 ? kept : [0]);
        }
    }

    private static int[] Positions(EvictionRegion region, int[] tokens) => [.. tokens.Select(token => region.First + token)];

    private static float[] WithProtected(float[] scores, EvictionRegion region, int[] tokens) =>
        [.. tokens.Select(token => region.Protected[token] ? float.PositiveInfinity : scores[token])];
}
