using Kvasir.Cache.Eviction;

namespace Kvasir.Cache;

/// <content>Tokens that a policy evicts when a prompt has been read, and while decoding.</content>
public sealed partial class KvCache
{
    /// <summary>Decoded tokens that a policy is applied to at once, by score and by PrefixKV's rule.</summary>
    internal const int DecodedRun = 256, SlidRun = KvBlock.Tokens;

    private PrefixKvSliding[]? _sliding;

    /// <summary>Whether tokens were left out of any head.</summary>
    public bool IsEvicted => EvictedEnd > 0;

    /// <summary>The time that choosing and encoding kept tokens has taken, beside the forward passes.</summary>
    public TimeSpan EvictionTime { get; internal set; }

    /// <summary>The run of tokens that the policy will be applied to next, or null.</summary>
    internal EvictionRegion? Region { get; private set; }

    /// <summary>What stays in any case of the next prompt, by position.</summary>
    internal Range[] Protected { get; set; } = [];

    /// <summary>By layer and kv head the policy that FastGen chose for the last prompt; null before.</summary>
    internal int[][]? HeadPolicies { get; set; }

    /// <summary>All heads hold all tokens from here on.</summary>
    internal int EvictedEnd => Heads().Max(head => head.EvictedEnd);

    /// <summary>
    /// Tells what the prompt is that is about to be read. Where the policy evicts, attention is observed from here on, and the policy is
    /// applied in the forward pass that brings the cache to the prompt's end: what does not stay is freed. Does nothing under other
    /// policies.
    /// </summary>
    /// <param name="ids">The ids of all tokens in the cache and, behind them, of those still to be computed: at least one.</param>
    /// <param name="protect">Ranges of positions that stay in any case.</param>
    /// <exception cref="InvalidInputException">The policy was not prepared for this model.</exception>
    /// <exception cref="DamagedKvException">A placed file, not checked before, is damaged.</exception>
    public void BeginPrompt(ReadOnlySpan<int> ids, params ReadOnlySpan<Range> protect)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Policy.Eviction is not { EvictsPrompts: true }) return;
        if (ids.Length <= Length)
            throw new ArgumentException($"the cache holds {Length} tokens, so more than {Length} ids are needed", nameof(ids));
        Policy.Eviction.CheckPrepared(this);
        _files.Verify();
        Begin(EvictedEnd, ids.Length, ids, isPrompt: true);
        foreach (Range range in (ReadOnlySpan<Range>)[.. Protected, .. protect]) Region!.Protect(range.Start.GetOffset(ids.Length),
            range.End.GetOffset(ids.Length));
    }

    /// <summary>Makes a cache that was filled without eviction evict from the next prompt on.</summary>
    internal void EvictBy(KvPolicy policy) => Policy = policy.Unsteered;

    /// <summary>
    /// Drops the oldest tokens of a layer behind the first block until <paramref name="rows"/> more fit into the policy's budget, of which
    /// each head has its share, and into the positions that the model was made for.
    /// </summary>
    internal void MakeRoom(int layer, int rows)
    {
        if (Policy.Eviction?.Budget is not long budget) return;
        bool dropped = false;
        foreach (HeadCache head in _layers[layer].Heads) dropped |= head.MakeRoom(rows, ShareOf(_layers[layer].Layout, budget),
            Layout.ContextLength);
        if (dropped && Region is { } region && EvictedEnd > region.First) EndRegion();
    }

    /// <summary>The most rows that one run of a step may bring.</summary>
    internal int MostRows => Policy.Eviction?.Budget is null ? int.MaxValue : RowsWithin(Policy.Eviction.Budget.Value);

    private int RowsWithin(long budget) => Math.Min(Layout.ContextLength / 2,
        _layers.Min(layer => layer.Heads.Min(head => head.MostRows(ShareOf(layer.Layout, budget)))));

    /// <exception cref="InvalidInputException">The policy's budget does not hold what a head needs at least.</exception>
    private void CheckBudget()
    {
        if (Policy.Eviction?.Budget is not long budget) return;
        long least = _layers.Max(layer =>
            layer.Heads.Max(head => (long)Math.Ceiling((double)head.LeastBytes / ShareOf(layer.Layout, 1L << 40) * (1L << 40))));
        if (budget < least) throw new InvalidInputException($"KV policy {Policy}: this model needs at least {least:N0} bytes");
    }

    private long ShareOf(LayerLayout layer, long budget) =>
        (long)((Int128)budget * (layer.KeyChannels + layer.ValueChannels) * sizeof(ushort) / Layout.BytesPerTokenF16);

    /// <summary>Whether the policy is to be applied now.</summary>
    internal bool IsRegionFull => Region is { } region && Length >= region.End;

    /// <summary>
    /// Applies the policy to the region: tokens that it does not keep are freed, the others encoded as it says. While decoding the next
    /// region begins.
    /// </summary>
    /// <param name="again">What was observed of a second reading, where the policy's score needs one.</param>
    internal void Evict(SecondReading? again)
    {
        EvictionRegion region = Region!;
        EvictionPolicy policy = Policy.Eviction!;
        int dense = Math.Max(region.First, region.End - region.Newest(policy));
        if (_sliding is not null && !region.IsPrompt) Slide();
        else
        {
            int[][][] kept = TokenSelection.Choose(this, region, again);
            Compact(region.First, dense, (layer, head) => kept[layer][head], moves: true);
        }
        Repaired = null;
        DecodingEviction rule = policy.WhileDecoding;
        _sliding = rule != DecodingEviction.Slide ? null : region.IsPrompt
            ? [.. _layers.Select((layer, l) =>
            PrefixKvSliding.After(Length, layer.Heads[0].TokenCount, policy.LayerShares?.ForgetRatios(policy.Share!.Value)[l]))] : _sliding;
        if (rule == DecodingEviction.Score) Begin(dense, Length + DecodedRun, [.. region.Ids.Skip(dense - region.First)], isPrompt: false);
        else if (rule == DecodingEviction.Slide) Begin(Length, Length + SlidRun, [], isPrompt: false);
        else EndRegion();
    }

    /// <summary>PrefixKV's rule for the tokens decoded since it was applied last, at once: each may push one out of each layer.</summary>
    private void Slide()
    {
        int[][] kept = [.. _layers.Select((layer, l) => _sliding![l].Left(layer.Heads[0].Positions(), Length, SlidRun))];
        Compact(0, Length, (layer, _) => kept[layer], moves: false); // a few tokens of each head, again and again
    }

    private void Compact(int first, int dense, Func<int, int, int[]> kept, bool moves)
    {
        Pool.SetAside();
        for (int l = 0; l < _layers.Length; l++)
            for (int h = 0; h < _layers[l].Heads.Length; h++)
            {
                HeadCache head = _layers[l].Heads[h];
                _layers[l].Heads[h] = head.Compact(Policy.HeadCodec(Layout, l, h), first, dense, kept(l, h), moves);
                head.Dispose();
            }
        Pool.Trim();
    }

    private void Begin(int first, int end, ReadOnlySpan<int> ids, bool isPrompt)
    {
        EvictionPolicy policy = Policy.Eviction!;
        EndRegion();
        Region = new EvictionRegion(first, end, Length, isPrompt ? ids[first..] : ids, isPrompt);
        ObservedAttention needs = isPrompt || policy.WhileDecoding == DecodingEviction.Score ? policy.Needs(Region) : default;
        Observed = needs.Kinds == Observations.None ? null
            : new AttentionStatistics(Layout, needs, first, Region.Count, end, Length, isFreed: true);
    }

    private void EndRegion()
    {
        if (Region is not null) Observed?.Free();
        (Region, Observed) = (null, null);
    }
}
