namespace Kvasir.Cache;

/// <summary>The newest tokens of one kv head in float32: blocks in the float form, the last one still growing.</summary>
internal sealed unsafe class KvTail(LayerLayout layout, BlockPool pool) : IDisposable
{
    private readonly List<KvBlock> _blocks = [];

    public int TokenCount { get; private set; }

    public int BlockCount => _blocks.Count;

    public long Bytes => (long)_blocks.Count * BlockBytes(layout);

    public static int BlockBytes(LayerLayout layout) => KvBlock.Tokens * (layout.KeyChannels + layout.ValueChannels) * sizeof(float);

    public float* Keys(int block) => (float*)_blocks[block].Data;

    public float* Values(int block) => (float*)_blocks[block].Data + KvBlock.Tokens * layout.KeyChannels;

    public int CountIn(int block) => Math.Min(KvBlock.Tokens, TokenCount - block * KvBlock.Tokens);

    /// <summary>Makes room for <paramref name="tokens"/> more, zeroed.</summary>
    public void Grow(int tokens)
    {
        TokenCount += tokens;
        while (_blocks.Count * KvBlock.Tokens < TokenCount)
        {
            KvBlock block = pool.Rent(BlockBytes(layout));
            new Span<byte>(block.Data, block.Length).Clear();
            _blocks.Add(block);
        }
    }

    /// <summary>Writes one token; different tokens may be written by different threads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(int token, float* key, float* value)
    {
        int block = token / KvBlock.Tokens, slot = token % KvBlock.Tokens;
        float* keys = Keys(block) + slot;
        for (int c = 0; c < layout.KeyChannels; c++) keys[c * KvBlock.Tokens] = key[c];
        Buffer.MemoryCopy(value, Values(block) + slot * layout.ValueChannels, layout.ValueChannels * sizeof(float),
            layout.ValueChannels * sizeof(float));
    }

    /// <summary>Reads one token back.</summary>
    public void Read(int token, float* key, float* value)
    {
        int block = token / KvBlock.Tokens, slot = token % KvBlock.Tokens;
        float* keys = Keys(block) + slot;
        for (int c = 0; c < layout.KeyChannels; c++) key[c] = keys[c * KvBlock.Tokens];
        Buffer.MemoryCopy(Values(block) + slot * layout.ValueChannels, value, layout.ValueChannels * sizeof(float),
            layout.ValueChannels * sizeof(float));
    }

    /// <summary>Takes the oldest block out; the caller gets its reference and the number of its tokens.</summary>
    public KvBlock TakeOldest(out int tokens)
    {
        KvBlock block = _blocks[0];
        tokens = CountIn(0);
        _blocks.RemoveAt(0);
        TokenCount -= tokens;
        return block;
    }

    public void Truncate(int tokens)
    {
        if (tokens >= TokenCount) return;
        int block = tokens / KvBlock.Tokens, slot = tokens % KvBlock.Tokens;
        TokenCount = tokens;
        while (_blocks.Count > block + (slot > 0 ? 1 : 0))
        {
            _blocks[^1].Release();
            _blocks.RemoveAt(_blocks.Count - 1);
        }
        if (slot == 0) return;
        for (int c = 0; c < layout.KeyChannels; c++)
            new Span<float>(Keys(block) + c * KvBlock.Tokens + slot, KvBlock.Tokens - slot).Clear();
        new Span<float>(Values(block) + slot * layout.ValueChannels, (KvBlock.Tokens - slot) * layout.ValueChannels).Clear();
    }

    /// <summary>The same tokens in blocks of <paramref name="target"/>.</summary>
    public KvTail Copy(BlockPool target)
    {
        var copy = new KvTail(layout, target) { TokenCount = TokenCount };
        foreach (KvBlock block in _blocks)
        {
            KvBlock own = target.Rent(block.Length);
            Buffer.MemoryCopy(block.Data, own.Data, own.Length, block.Length);
            copy._blocks.Add(own);
        }
        return copy;
    }

    public void Dispose()
    {
        foreach (KvBlock block in _blocks) block.Release();
        _blocks.Clear();
        TokenCount = 0;
    }
}
