namespace Kvasir.Cache;

/// <summary>A run of blocks that one segment holds after conversion.</summary>
/// <param name="FirstPosition">Position of its first token.</param>
/// <param name="Offset">How far it stands from where it was computed.</param>
/// <param name="Tokens">Its tokens; all blocks but the last are full.</param>
/// <param name="InSink">Whether it was computed within the sink.</param>
/// <param name="ComputedAt">Position of its first token when it was computed.</param>
/// <param name="Pruned">The segment that it is where tokens were left out of it; else null.</param>
internal readonly record struct KvRun(int FirstPosition, int Offset, int Tokens, bool InSink, int ComputedAt, KvSegment? Pruned = null)
{
    /// <summary>
    /// Cuts a head's blocks, in their order, into the segments that they would have had under another policy from the start: the border of
    /// its sink instead of the old one's, all other borders as they are.
    /// </summary>
    /// <param name="segments">The segments under the old policy.</param>
    /// <param name="oldSink">Tokens of its sink.</param>
    /// <param name="sink">Tokens of the new one's.</param>
    public static List<KvRun> Cut(IEnumerable<KvSegment> segments, int oldSink, int sink)
    {
        var runs = new List<KvRun>();
        foreach (KvSegment segment in segments)
        {
            if (segment.Kept is not null)
                runs.Add(new KvRun(segment.FirstPosition, segment.Offset, segment.TokenCount, false, segment.ComputedAt, segment));
            for (int b = 0; b < segment.BlockCount && segment.Kept is null; b++)
            {
                int position = segment.FirstPosition + b * KvBlock.Tokens, computedAt = segment.ComputedAt + b * KvBlock.Tokens;
                var block = new KvRun(position, segment.Offset, segment.CountIn(b), HeadCodec.IsSink(computedAt, sink), computedAt);
                bool mayFollow = b > 0 || HeadCodec.IsSink(computedAt - KvBlock.Tokens, oldSink) != HeadCodec.IsSink(computedAt, oldSink);
                if (mayFollow && runs.Count > 0 && runs[^1].IsFollowedBy(block))
                    runs[^1] = runs[^1] with { Tokens = runs[^1].Tokens + block.Tokens };
                else runs.Add(block);
            }
        }
        return runs;
    }

    private bool IsFollowedBy(KvRun block) =>
        Pruned is null && FirstPosition + Tokens == block.FirstPosition && Tokens % KvBlock.Tokens == 0
            && (Offset, InSink) == (block.Offset, block.InSink);
}
