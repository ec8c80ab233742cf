namespace Kvasir.Cache;

/// <summary>A run of blocks that one segment holds after conversion.</summary>
/// <param name="FirstPosition">Position of its first token.</param>
/// <param name="Offset">How far it stands from where it was computed.</param>
/// <param name="Tokens">Its tokens; all blocks but the last are full.</param>
/// <param name="InSink">Whether it was computed within the sink.</param>
internal readonly record struct KvRun(int FirstPosition, int Offset, int Tokens, bool InSink)
{
    /// <summary>Cuts a head's blocks into the segments that it would have had under a policy with <paramref name="sinkTokens"/> from the start: the order of the blocks stays.</summary>
    public static List<KvRun> Cut(IEnumerable<KvSegment> segments, int sinkTokens)
    {
        var runs = new List<KvRun>();
        foreach (KvSegment segment in segments)
            for (int b = 0; b < segment.BlockCount; b++)
            {
                int position = segment.FirstPosition + b * KvBlock.Tokens;
                var block = new KvRun(position, segment.Offset, segment.CountIn(b), position - segment.Offset < sinkTokens);
                if (runs.Count > 0 && runs[^1].IsFollowedBy(block)) runs[^1] = runs[^1] with { Tokens = runs[^1].Tokens + block.Tokens };
                else runs.Add(block);
            }
        return runs;
    }

    private bool IsFollowedBy(KvRun block) =>
        FirstPosition + Tokens == block.FirstPosition && Tokens % KvBlock.Tokens == 0 && (Offset, InSink) == (block.Offset, block.InSink);
}
