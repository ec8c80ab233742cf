namespace Kvasir.Cache;

/// <summary>Sealed blocks in memory.</summary>
internal sealed unsafe class PooledSegment(BlockCodec codec, int firstPosition, int offset = 0) : KvSegment(codec, firstPosition, offset)
{
    private readonly List<KvBlock> _blocks = [];

    public override long Bytes
    {
        get
        {
            long bytes = 0;
            foreach (KvBlock block in _blocks) bytes += block.Length;
            return bytes;
        }
    }

    /// <summary>The blocks of any segment, copied into memory of <paramref name="pool"/>.</summary>
    public static PooledSegment CopyOf(KvSegment segment, BlockPool pool)
    {
        var copy = new PooledSegment(segment.Codec, segment.FirstPosition, segment.Offset);
        copy.EnsureCapacity(segment.BlockCount);
        for (int b = 0; b < segment.BlockCount; b++)
        {
            KvBlock block = pool.Rent(segment.Codec.Bytes);
            Buffer.MemoryCopy(segment.Keys(b), block.Data, block.Length, segment.Codec.Bytes);
            copy.Add(block, segment.CountIn(b));
        }
        return copy;
    }

    /// <summary>Whether another full or last block may follow at <paramref name="position"/>.</summary>
    public bool CanAdd(int position) => Offset == 0 && EndPosition == position && TokenCount % KvBlock.Tokens == 0;

    /// <summary>Takes over the caller's reference to a block that holds <paramref name="tokens"/> tokens.</summary>
    public void Add(KvBlock block, int tokens)
    {
        _blocks.Add(block);
        TokenCount += tokens;
    }

    public void EnsureCapacity(int blocks) => _blocks.EnsureCapacity(blocks);

    public override byte* Keys(int block) => _blocks[block].Data;

    public override KvSegment Share()
    {
        var copy = new PooledSegment(Codec, FirstPosition, Offset) { TokenCount = TokenCount };
        copy._blocks.EnsureCapacity(_blocks.Count);
        foreach (KvBlock block in _blocks) copy._blocks.Add(block.Retain());
        return copy;
    }

    public override void Truncate(int tokens)
    {
        TokenCount = tokens;
        while (_blocks.Count > BlockCount)
        {
            _blocks[^1].Release();
            _blocks.RemoveAt(_blocks.Count - 1);
        }
    }

    public override void Dispose()
    {
        foreach (KvBlock block in _blocks) block.Release();
        _blocks.Clear();
        TokenCount = 0;
    }
}
