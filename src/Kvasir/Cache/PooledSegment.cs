namespace Kvasir.Cache;

/// <summary>Sealed blocks in memory.</summary>
internal sealed unsafe class PooledSegment(BlockCodec codec, int firstPosition, int offset = 0, KeptTokens? kept = null)
    : KvSegment(codec, firstPosition, offset, kept)
{
    private readonly List<KvBlock> _blocks = [];

    /// <summary>Where the blocks lie, side by side: attention over many sequences would wait for every block's object.</summary>
    private nint[] _data = [];

    public override long Bytes
    {
        get
        {
            long bytes = Kept?.Bytes.Length ?? 0;
            foreach (KvBlock block in _blocks) bytes += block.Length;
            return bytes;
        }
    }

    /// <summary>The blocks of any segment, copied into memory of <paramref name="pool"/>.</summary>
    public static PooledSegment CopyOf(KvSegment segment, BlockPool pool)
    {
        var copy = new PooledSegment(
            segment.Codec, segment.FirstPosition, segment.Offset, segment.Kept?.Copy())
        { ComputedAt = segment.ComputedAt };
        copy.EnsureCapacity(segment.BlockCount);
        for (int b = 0; b < segment.BlockCount; b++)
        {
            KvBlock block = pool.Rent(segment.Codec.Bytes);
            Buffer.MemoryCopy(segment.Keys(b), block.Data, block.Length, segment.Codec.Bytes);
            copy.Add(block, segment.CountIn(b));
        }
        copy.EndPosition = segment.EndPosition;
        return copy;
    }

    /// <summary>Whether another segment has its blocks too.</summary>
    public bool IsShared => _blocks.Exists(block => block.IsShared);

    /// <summary>Whether another full or last block may follow at <paramref name="position"/>.</summary>
    public bool CanAdd(int position) => Offset == 0 && Kept is null && EndPosition == position && TokenCount % KvBlock.Tokens == 0;

    /// <summary>Takes over the caller's reference to a block that holds <paramref name="tokens"/> tokens.</summary>
    public void Add(KvBlock block, int tokens)
    {
        Append(block);
        SetTokens(TokenCount + tokens);
    }

    public void EnsureCapacity(int blocks)
    {
        _blocks.EnsureCapacity(blocks);
        if (_data.Length < blocks) Array.Resize(ref _data, _blocks.Capacity);
    }

    public override byte* Keys(int block) => (byte*)_data[block];

    public override KvSegment Share() => Share(0);

    /// <summary>
    /// The same blocks for another cache, <paramref name="shift"/> positions further on; queries are rerotated by as much unless
    /// <paramref name="rerotate"/> is false.
    /// </summary>
    public PooledSegment Share(int shift, bool rerotate = true)
    {
        var copy = new PooledSegment(
            Codec, FirstPosition + shift, Offset + (rerotate ? shift : 0), Kept)
        {
            TokenCount = TokenCount,
            EndPosition = EndPosition
            + shift,
            ComputedAt = ComputedAt
        };
        copy.EnsureCapacity(_blocks.Count);
        foreach (KvBlock block in _blocks) copy.Append(block.Retain());
        return copy;
    }

    /// <summary>
    /// Blocks [first, end) as a segment of their own; none of the last ones left is an empty segment that ends where this one does.
    /// </summary>
    /// <param name="first">The first block.</param>
    /// <param name="end">The block behind the last.</param>
    /// <param name="offset">How far they are taken to stand from where they were computed; null for as here.</param>
    public PooledSegment Slice(int first, int end, int? offset = null)
    {
        int firstToken = first * KvBlock.Tokens, endToken = Math.Min(end * KvBlock.Tokens, TokenCount);
        int start = first == 0 ? FirstPosition : first == BlockCount ? EndPosition : PositionOf(firstToken);
        int stop = end == BlockCount ? EndPosition : PositionOf(endToken);
        KeptTokens? left = Kept is null && first < BlockCount ? null
            : KeptTokens.Of([.. Enumerable.Range(firstToken, endToken - firstToken).Select(PositionOf)], start, stop - start);
        var slice = new PooledSegment(Codec, start, offset ?? Offset, left)
        {
            TokenCount = endToken - firstToken,
            EndPosition = stop,
            ComputedAt = ComputedAt + start - FirstPosition
        };
        slice.EnsureCapacity(end - first);
        for (int b = first; b < end; b++) slice.Append(_blocks[b].Retain());
        return slice;
    }

    protected override void Truncate(int tokens)
    {
        SetTokens(tokens);
        while (_blocks.Count > BlockCount)
        {
            _blocks[^1].Release();
            _blocks.RemoveAt(_blocks.Count - 1);
            _data[_blocks.Count] = 0;
        }
    }

    public override void Dispose()
    {
        foreach (KvBlock block in _blocks) block.Release();
        _blocks.Clear();
        _data = [];
        SetTokens(0);
    }

    private void Append(KvBlock block)
    {
        EnsureCapacity(_blocks.Count + 1);
        _data[_blocks.Count] = (nint)block.Data;
        _blocks.Add(block);
    }
}
