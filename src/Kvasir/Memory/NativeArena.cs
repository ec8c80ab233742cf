namespace Kvasir.Memory;

/// <summary>
/// Hands out native memory that is freed all at once, from blocks in pages of 2 MB: a model has hundreds of matrices that are smaller than
/// such a page, and to fault them in by pages of 4 kB takes as long as to fill them. Used by many threads.
/// </summary>
internal sealed class NativeArena : IDisposable
{
    private const long BlockBytes = 32 << 20;

    private readonly Lock _lock = new();
    private readonly List<NativeBuffer> _blocks = [];
    private long _used = BlockBytes;

    /// <summary>Zeroed memory, 64-byte aligned: where it begins in a buffer that stays the arena's.</summary>
    /// <param name="length">Bytes; more than a block holds get a block of their own.</param>
    /// <param name="offset">The first byte.</param>
    public NativeBuffer Take(long length, out long offset)
    {
        lock (_lock)
        {
            offset = 0;
            if (length > BlockBytes / 2)
            {
                var own = new NativeBuffer(length, hugePages: true);
                _blocks.Insert(0, own);
                return own;
            }
            if (length > BlockBytes - _used)
            {
                _blocks.Add(new NativeBuffer(BlockBytes, hugePages: true));
                _used = 0;
            }
            offset = _used;
            _used += (length + NativeBuffer.Alignment - 1) / NativeBuffer.Alignment * NativeBuffer.Alignment;
            return _blocks[^1];
        }
    }

    public void Dispose()
    {
        foreach (NativeBuffer block in _blocks) block.Dispose();
    }
}
