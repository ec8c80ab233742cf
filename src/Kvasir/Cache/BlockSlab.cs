using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>Native memory that a <see cref="BlockPool"/> cuts blocks of one length from, under the pool's lock.</summary>
#pragma warning disable CA1001 // the pool frees it
internal sealed unsafe class BlockSlab
#pragma warning restore CA1001
{
    /// <summary>A huge page.</summary>
    private const int TargetBytes = 2 << 20;

    private readonly BlockPool _pool;
    private readonly NativeBuffer _memory;
    private bool _isFree;

    private BlockSlab(BlockPool pool, int blocks, int length, int era)
    {
        (_pool, Era) = (pool, era);
        _memory = new NativeBuffer(Math.Max((long)blocks * length, TargetBytes), hugePages: true);
        pool.Took(_memory.Length);
    }

    /// <summary>How often the pool had set slabs aside when it took this one.</summary>
    public int Era { get; }

    /// <summary>Blocks that were rented and not returned.</summary>
    public int BlocksInUse { get; set; }

    /// <summary>Takes two megabytes, or a block where that is larger, and puts the blocks on the stack.</summary>
    public static void Fill(BlockPool pool, int length, Stack<KvBlock> free, int era)
    {
        int blocks = Math.Max(1, TargetBytes / length);
        var slab = new BlockSlab(pool, blocks, length, era);
        free.EnsureCapacity(free.Count + blocks);
        for (int i = blocks - 1; i >= 0; i--) free.Push(new KvBlock(pool, slab, slab._memory.Pointer + (long)i * length, length));
    }

    /// <summary>Whether no block is in use, and the memory therefore given back: none of its blocks can be used again.</summary>
    public bool FreeIfIdle()
    {
        if (BlocksInUse > 0) return false;
        if (!_isFree) _pool.Took(-_memory.Length);
        _isFree = true;
        _memory.Dispose();
        return true;
    }
}
