using Kvasir.Cache.Eviction;

namespace Kvasir.Cache;

/// <content>Tokens that a policy evicts when a prompt has been read, and while decoding.</content>
public sealed partial class KvCache
{
    /// <summary>Decoded tokens that a policy is applied to at once.</summary>
    internal const int DecodedRun = 256;

    /// <summary>Whether tokens were left out of any head.</summary>
    public bool IsEvicted => EvictedEnd > 0;

    /// <summary>The time that choosing and encoding kept tokens has taken, beside the forward passes.</summary>
    public TimeSpan EvictionTime { get; internal set; }

    /// <summary>The run of tokens that the policy will be applied to next, or null.</summary>
    internal EvictionRegion? Region { get; private set; }

    /// <summary>By layer and kv head the policy that FastGen chose for the last prompt; null before.</summary>
    internal int[][]? HeadPolicies { get; set; }

    /// <summary>All heads hold all tokens from here on.</summary>
    internal int EvictedEnd => Heads().Max(head => head.EvictedEnd);

    /// <summary>
    /// Tells what the prompt is that is about to be read. Where the policy evicts, attention is observed from here on, and the policy is applied in the forward pass that
    /// brings the cache to the prompt's end: what does not stay is freed. Does nothing under other policies.
    /// </summary>
    /// <param name="ids">The ids of all tokens in the cache and, behind them, of those still to be computed: at least one.</param>
    /// <param name="protect">Ranges of positions that stay in any case.</param>
    /// <exception cref="InvalidInputException">The policy was not prepared for this model.</exception>
    /// <exception cref="DamagedKvException">A placed file, not checked before, is damaged.</exception>
    public void BeginPrompt(ReadOnlySpan<int> ids, params ReadOnlySpan<Range> protect)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Policy.Eviction is null) return;
        if (ids.Length <= Length) throw new ArgumentException($"the cache holds {Length} tokens, so more than {Length} ids are needed", nameof(ids));
        Policy.Eviction.CheckPrepared(this);
        _files.Verify();
        Begin(EvictedEnd, ids.Length, ids, isPrompt: true);
        foreach (Range range in protect) Region!.Protect(range.Start.GetOffset(ids.Length), range.End.GetOffset(ids.Length));
    }

    /// <summary>Whether the policy is to be applied now.</summary>
    internal bool IsRegionFull => Region is { } region && Length >= region.End;

    /// <summary>Applies the policy to the region: tokens that it does not keep are freed, the others encoded as it says. While decoding the next region begins.</summary>
    /// <param name="again">What was observed of a second reading, where the policy's score needs one.</param>
    internal void Evict(AttentionStatistics? again)
    {
        EvictionRegion region = Region!;
        int[][][] kept = TokenSelection.Choose(this, region, again);
        int dense = Math.Max(region.First, region.End - Policy.Eviction!.Recent);
        Pool.SetAside();
        for (int l = 0; l < _layers.Length; l++)
            for (int h = 0; h < _layers[l].Heads.Length; h++)
            {
                HeadCache head = _layers[l].Heads[h];
                _layers[l].Heads[h] = head.Compact(Policy.HeadCodec(Layout, l, h), region.First, dense, kept[l][h]);
                head.Dispose();
            }
        Pool.Trim();
        Repaired = null;
        if (Policy.Eviction.WhileDecoding == DecodingEviction.Score) Begin(dense, Length + DecodedRun, [.. region.Ids.Skip(dense - region.First)], isPrompt: false);
        else EndRegion();
    }

    private void Begin(int first, int end, ReadOnlySpan<int> ids, bool isPrompt)
    {
        EvictionPolicy policy = Policy.Eviction!;
        Region = new EvictionRegion(first, end, Length, isPrompt ? ids[first..] : ids, isPrompt);
        ObservedAttention needs = policy.Needs(Region.Count);
        Observed = needs.Kinds == Observations.None ? null : new AttentionStatistics(Layout, needs, first, Region.Count, end, Length);
    }

    private void EndRegion() => (Region, Observed) = (null, null);
}
