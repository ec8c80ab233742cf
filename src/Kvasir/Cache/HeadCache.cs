namespace Kvasir.Cache;

/// <summary>One kv head of one layer: segments of sealed blocks in the order of their positions, then the tail.</summary>
internal sealed unsafe class HeadCache : IDisposable
{
    private readonly LayerLayout _layout;
    private readonly BlockPool _pool;
    private readonly KeyCodec _keyCodec;
    private readonly ValueCodec _valueCodec;
    private readonly List<KvSegment> _segments = [];

    public HeadCache(LayerLayout layout, BlockPool pool, KeyCodec keyCodec, ValueCodec valueCodec) : this(layout, pool, keyCodec, valueCodec, new KvTail(layout, pool)) { }

    private HeadCache(LayerLayout layout, BlockPool pool, KeyCodec keyCodec, ValueCodec valueCodec, KvTail tail)
    {
        _layout = layout;
        _pool = pool;
        _keyCodec = keyCodec;
        _valueCodec = valueCodec;
        Tail = tail;
    }

    public IReadOnlyList<KvSegment> Segments => _segments;

    public KvTail Tail { get; }

    /// <summary>Position of the tail's first token.</summary>
    public int TailPosition => _segments.Count == 0 ? 0 : _segments[^1].EndPosition;

    public int Length => TailPosition + Tail.TokenCount;

    public int BlockCount
    {
        get
        {
            int blocks = Tail.BlockCount;
            foreach (KvSegment segment in _segments) blocks += segment.BlockCount;
            return blocks;
        }
    }

    public long Bytes
    {
        get
        {
            long bytes = Tail.Bytes;
            foreach (KvSegment segment in _segments) bytes += segment.Bytes;
            return bytes;
        }
    }

    private int SealedBytes => _keyCodec.Bytes(_layout.KeyChannels) + _valueCodec.Bytes(_layout.ValueChannels);

    /// <summary>Encodes the oldest full blocks of the tail while at least <paramref name="residual"/> tokens stay in float.</summary>
    public void Seal(int residual)
    {
        while (Tail.TokenCount >= residual + KvBlock.Tokens) SealOldest();
    }

    /// <summary>Encodes the whole tail; its last block may be short.</summary>
    public void SealAll()
    {
        while (Tail.TokenCount > 0) SealOldest();
    }

    /// <summary>Puts another sequence's or a file's blocks behind the sealed ones; the tail must be empty. Takes the segment over.</summary>
    public void Place(KvSegment segment) => _segments.Add(segment);

    public void Truncate(int length)
    {
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
        if (_segments.Count > 0 && _segments[^1].EndPosition > length) _segments[^1].Truncate(length - _segments[^1].FirstPosition);
    }

    /// <summary>Room for <paramref name="tokens"/> more without growing lists on the way.</summary>
    public void Reserve(int tokens)
    {
        if (_segments.Count == 0) _segments.Add(new PooledSegment(_keyCodec, _valueCodec, _layout.KeyChannels, 0));
        if (_segments[^1] is PooledSegment last) last.EnsureCapacity(last.BlockCount + (tokens + KvBlock.Tokens - 1) / KvBlock.Tokens + 1);
    }

    /// <summary>Bytes that <paramref name="tokens"/> more will hold once sealed.</summary>
    public long GrowthBytes(int tokens, int residual)
    {
        int tail = Tail.TokenCount + tokens, sealedBlocks = Math.Max(0, (tail - residual) / KvBlock.Tokens);
        int tailBlocks = (tail - sealedBlocks * KvBlock.Tokens + KvBlock.Tokens - 1) / KvBlock.Tokens;
        return (long)sealedBlocks * SealedBytes + (long)(tailBlocks - Tail.BlockCount) * KvTail.BlockBytes(_layout);
    }

    public HeadCache Copy()
    {
        var copy = new HeadCache(_layout, _pool, _keyCodec, _valueCodec, Tail.Copy());
        foreach (KvSegment segment in _segments) copy._segments.Add(segment.Share());
        return copy;
    }

    public void Dispose()
    {
        foreach (KvSegment segment in _segments) segment.Dispose();
        _segments.Clear();
        Tail.Dispose();
    }

    private void SealOldest()
    {
        int position = TailPosition;
        if (_segments.Count == 0 || _segments[^1] is not PooledSegment segment || !segment.CanAdd(position))
            _segments.Add(segment = new PooledSegment(_keyCodec, _valueCodec, _layout.KeyChannels, position));
        int keyBytes = _keyCodec.Bytes(_layout.KeyChannels);
        KvBlock sealedBlock = _pool.Rent(SealedBytes);
        _keyCodec.Encode(Tail.Keys(0), _layout.KeyChannels, sealedBlock.Data);
        _valueCodec.Encode(Tail.Values(0), _layout.ValueChannels, sealedBlock.Data + keyBytes);
        Tail.TakeOldest(out int tokens).Release();
        segment.Add(sealedBlock, tokens);
    }
}
