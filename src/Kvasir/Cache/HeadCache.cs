namespace Kvasir.Cache;

/// <summary>One kv head of one layer: segments of sealed blocks in the order of their positions, then the tail.</summary>
internal sealed unsafe partial class HeadCache : IDisposable
{
    private readonly LayerLayout _layout;
    private readonly BlockPool _pool;
    private readonly HeadCodec _codec;
    private readonly List<KvSegment> _segments = [];
    private int _expectedBlocks, _border;

    public HeadCache(LayerLayout layout, BlockPool pool, HeadCodec codec) : this(layout, pool, codec, new KvTail(layout, pool)) { }

    private HeadCache(LayerLayout layout, BlockPool pool, HeadCodec codec, KvTail tail)
    {
        _layout = layout;
        _pool = pool;
        _codec = codec;
        Tail = tail;
    }

    /// <summary>How blocks are encoded when they are sealed.</summary>
    public HeadCodec Codec => _codec;

    public IReadOnlyList<KvSegment> Segments => _segments;

    public KvTail Tail { get; }

    /// <summary>Position of the tail's first token.</summary>
    public int TailPosition => _segments.Count == 0 ? 0 : _segments[^1].EndPosition;

    public int Length => TailPosition + Tail.TokenCount;

    /// <summary>Tokens that attention reads, those in place of repaired ones besides.</summary>
    public int TokenCount
    {
        get
        {
            int tokens = Tail.TokenCount + (Repaired?.Rows.TokenCount ?? 0);
            foreach (KvSegment segment in _segments) tokens += segment.TokenCount;
            return tokens;
        }
    }

    public int BlockCount
    {
        get
        {
            int blocks = Tail.BlockCount + (Repaired?.Rows.BlockCount ?? 0);
            foreach (KvSegment segment in _segments) blocks += segment.BlockCount;
            return blocks;
        }
    }

    public long Bytes
    {
        get
        {
            long bytes = Tail.Bytes + (Repaired?.Rows.Bytes ?? 0);
            foreach (KvSegment segment in _segments) bytes += segment.Bytes;
            return bytes;
        }
    }

    /// <summary>Tokens that can be appended before any is encoded.</summary>
    public int FloatRoom => _codec.Residual + KvBlock.Tokens - 1 - Tail.TokenCount;

    /// <summary>Encodes the oldest full blocks of the tail while the policy's residual stays in float.</summary>
    public void Seal()
    {
        while (Tail.TokenCount >= _codec.Residual + KvBlock.Tokens) SealOldest();
    }

    /// <summary>
    /// Encodes the whole tail; its last block may be short. What follows starts a segment, so that it can be saved alone.
    /// </summary>
    public void SealAll()
    {
        while (Tail.TokenCount > 0) SealOldest();
        _border = TailPosition;
    }

    /// <summary>
    /// Puts another sequence's or a file's blocks behind the sealed ones; the tail must be empty. Takes the segment over.
    /// </summary>
    public void Place(KvSegment segment) => _segments.Add(segment);

    public void Truncate(int length)
    {
        TruncateRepaired(length);
        if (length >= TailPosition)
        {
            Tail.Truncate(length - TailPosition);
            return;
        }
        Tail.Truncate(0);
        while (_segments.Count > 0 && _segments[^1].FirstPosition >= length)
        {
            _segments[^1].Dispose();
            _segments.RemoveAt(_segments.Count - 1);
        }
        if (_segments.Count > 0 && _segments[^1].EndPosition > length) _segments[^1].TruncateTo(length);
    }

    /// <summary>Room for <paramref name="tokens"/> more without growing lists on the way.</summary>
    public void Reserve(int tokens)
    {
        _expectedBlocks = KvBlock.CountFor(tokens) + 1;
        if (_segments.Count > 0 && _segments[^1] is PooledSegment last) last.EnsureCapacity(last.BlockCount + _expectedBlocks);
    }

    /// <summary>The most bytes that <paramref name="tokens"/> more add at any moment between steps.</summary>
    public long MostGrowthBytes(int tokens) => _codec.MostGrowthBytes(_layout, TailPosition, Tail.TokenCount, tokens);

    public HeadCache Copy()
    {
        HeadCache copy = CopyOfFloats(_pool, _codec);
        foreach (KvSegment segment in _segments) copy._segments.Add(segment.Share());
        return copy;
    }

    /// <summary>Tokens of the full sealed blocks at the beginning that stand at multiples of 32, where they were computed.</summary>
    public int WholeBlockTokens
    {
        get
        {
            int tokens = 0;
            foreach (KvSegment segment in _segments)
            {
                if (segment.Offset != 0 || segment.Kept is not null || segment.FirstPosition != tokens) break;
                tokens += segment.TokenCount / KvBlock.Tokens * KvBlock.Tokens;
                if (segment.TokenCount % KvBlock.Tokens != 0) break;
            }
            return tokens;
        }
    }

    /// <summary>The sealed blocks of the first <paramref name="tokens"/>, shared, with an empty tail.</summary>
    public HeadCache ShareBlocks(int tokens)
    {
        var copy = new HeadCache(_layout, _pool, _codec);
        foreach (KvSegment segment in _segments.TakeWhile(segment => segment.FirstPosition < tokens)) copy._segments.Add(segment.Share());
        copy.Truncate(tokens);
        return copy;
    }

    /// <summary>A copy that shares nothing: its blocks are of another pool, or of the same.</summary>
    public HeadCache Duplicate(BlockPool pool)
    {
        HeadCache copy = CopyOfFloats(pool, _codec);
        foreach (KvSegment segment in _segments) copy._segments.Add(PooledSegment.CopyOf(segment, pool));
        return copy;
    }

    /// <summary>
    /// A copy whose sealed blocks are encoded by <paramref name="codec"/>; tail and repaired rows stay in float. Segments stay where they
    /// are.
    /// </summary>
    public HeadCache Convert(HeadCodec codec)
    {
        HeadCache copy = CopyOfFloats(_pool, codec);
        copy.PlaceConverted(_segments, _codec.SinkTokens);
        return copy;
    }

    /// <summary>
    /// Puts copies of another sequence's or a file's blocks, encoded as this head's are, behind the sealed ones. The segments, made with a
    /// sink of <paramref name="sink"/> tokens, stay the caller's.
    /// </summary>
    public void PlaceConverted(IReadOnlyList<KvSegment> segments, int sink)
    {
        using var recoder = new BlockRecoder(_layout, _codec);
        using IEnumerator<(KvSegment Segment, int Block)> blocks =
            segments.SelectMany(segment => Enumerable.Range(0, segment.BlockCount).Select(block => (segment, block))).GetEnumerator();
        foreach (KvRun run in KvRun.Cut(segments, sink, _codec.SinkTokens))
        {
            var placed = new PooledSegment(run.InSink
                ? _codec.First : _codec.Rest, run.FirstPosition, run.Offset, run.Pruned?.Kept?.Copy())
            { ComputedAt = run.ComputedAt };
            _segments.Add(placed);
            while (placed.TokenCount < run.Tokens && blocks.MoveNext())
            {
                (KvSegment source, int b) = blocks.Current;
                KvBlock block = _pool.Rent(placed.Codec.Bytes);
                recoder.Recode(source, b, block.Data);
                placed.Add(block, source.CountIn(b));
            }
            if (run.Pruned is { } pruned) placed.TruncateTo(pruned.EndPosition);
        }
    }

    public void Dispose()
    {
        foreach (KvSegment segment in _segments) segment.Dispose();
        _segments.Clear();
        Unrepair();
        Tail.Dispose();
    }

    private HeadCache CopyOfFloats(BlockPool pool, HeadCodec codec) => new(_layout, pool, codec, Tail.Copy(pool))
    {
        _border = _border,
        Repaired = Repaired is { } repaired ? repaired with { Rows = repaired.Rows.Copy(pool) } : null,
    };

    private void SealOldest()
    {
        int position = TailPosition;
        BlockCodec codec = _codec.At(position);
        EncodeOldest(Tail, SegmentAt(position, codec));
    }

    /// <summary>Moves the oldest block of floats into a segment, encoded.</summary>
    private void EncodeOldest(KvTail floats, PooledSegment segment)
    {
        KvBlock block = _pool.Rent(segment.Codec.Bytes);
        segment.Codec.Encode(floats.Keys(0), floats.Values(0), floats.CountIn(0), block.Data, segment.Context(_layout, segment.BlockCount));
        floats.TakeOldest(out int tokens).Release();
        segment.Add(block, tokens);
    }

    /// <summary>
    /// The segment that a block at <paramref name="position"/> goes into. The sink is a segment of its own whatever the codecs are, so that
    /// all heads are cut alike.
    /// </summary>
    private PooledSegment SegmentAt(int position, BlockCodec codec)
    {
        if (position != _border && _segments.Count > 0 && _segments[^1] is PooledSegment last && last.CanAdd(position)
            && HeadCodec.IsSink(last.FirstPosition, _codec.SinkTokens) == HeadCodec.IsSink(position, _codec.SinkTokens)) return last;
        var segment = new PooledSegment(codec, position);
        segment.EnsureCapacity(_expectedBlocks);
        _segments.Add(segment);
        return segment;
    }
}
