namespace Kvasir.Cache;

/// <content>A head that never holds more than so many bytes: its first block, which draws attention, and the newest ones
/// (StreamingLLM).</content>
internal sealed partial class HeadCache
{
    /// <summary>What it cannot do with less: the first block, one being encoded, and floats that are full before they are sealed.</summary>
    public long LeastBytes =>
        LargestBlock + EncodingBytes + (long)KvBlock.CountFor(_codec.Residual + 2 * KvBlock.Tokens) * KvTail.BlockBytes(_layout);

    private int LargestBlock => Math.Max(_codec.First.Bytes, _codec.Rest.Bytes);

    private int EncodingBytes => LargestBlock;

    /// <summary>The most rows that fit into a budget when all that may go has gone.</summary>
    public int MostRows(long bytes) =>
        (int)Math.Min(int.MaxValue / 2,
        (bytes - LargestBlock - EncodingBytes) / KvTail.BlockBytes(_layout) * KvBlock.Tokens) - Tail.TokenCount;

    /// <summary>
    /// Drops the oldest blocks behind the first until <paramref name="rows"/> more fit; whether any went. The first block is moved up to
    /// what follows, as if nothing had stood between: so no distance is longer than what is held.
    /// </summary>
    /// <param name="rows">Tokens to come, in float until they are sealed.</param>
    /// <param name="bytes">The most that it may ever hold.</param>
    /// <param name="tokens">The most tokens.</param>
    public bool MakeRoom(int rows, long bytes, int tokens)
    {
        long growth = EncodingBytes + (long)(KvBlock.CountFor(Tail.TokenCount + rows) - Tail.BlockCount) * KvTail.BlockBytes(_layout);
        bool dropped = false;
        while ((Bytes + growth > bytes || TokenCount + rows > tokens) && DropOldest()) dropped = true;
        if (dropped) MoveFirst();
        return dropped;
    }

    private bool DropOldest()
    {
        if (_segments.Count == 0) return false;
        if (_segments[0].BlockCount > 1)
        {
            PooledSegment whole = Pooled(0);
            _segments[0] = whole.Slice(0, 1);
            _segments.Insert(1, whole.Slice(1, whole.BlockCount));
            whole.Dispose();
        }
        int oldest = _segments.FindIndex(1, segment => segment.BlockCount > 0);
        if (oldest < 0) return false;
        PooledSegment segment = Pooled(oldest);
        _segments[oldest] = segment.Slice(1, segment.BlockCount);
        segment.Dispose();
        if (oldest > 1)
        {
            _segments[1].Dispose();
            _segments.RemoveAt(1);
        }
        return true;
    }

    /// <summary>A segment whose blocks are in memory, in place of one that is mapped.</summary>
    private PooledSegment Pooled(int index)
    {
        if (_segments[index] is PooledSegment pooled) return pooled;
        PooledSegment copy = PooledSegment.CopyOf(_segments[index], _pool);
        _segments[index].Dispose();
        return copy;
    }

    private void MoveFirst()
    {
        int next = _segments.Count > 1 ? _segments[1].FirstPosition : TailPosition;
        PooledSegment first = Pooled(0);
        _segments[0] = first.Slice(0, first.BlockCount, next - first.EndPosition - (first.FirstPosition - first.ComputedAt));
        first.Dispose();
    }
}
