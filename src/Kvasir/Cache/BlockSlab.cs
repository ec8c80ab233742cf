using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>Native memory that a <see cref="BlockPool"/> cuts blocks of one length from.</summary>
#pragma warning disable CA1001 // freed by the last Drop
internal sealed unsafe class BlockSlab
#pragma warning restore CA1001
{
    /// <summary>A huge page.</summary>
    private const int TargetBytes = 2 << 20;

    private readonly BlockPool _pool;
    private readonly NativeBuffer _memory;
    private int _blocks;

    private BlockSlab(BlockPool pool, int blocks, int length)
    {
        _pool = pool;
        _blocks = Blocks = blocks;
        _memory = new NativeBuffer(Math.Max((long)blocks * length, TargetBytes), hugePages: true);
        pool.Took(_memory.Length);
    }

    /// <summary>Blocks that it was cut into.</summary>
    public int Blocks { get; }

    /// <summary>Takes two megabytes, or a block where that is larger, and puts the blocks on the stack.</summary>
    public static void Fill(BlockPool pool, int length, Stack<KvBlock> free)
    {
        int blocks = Math.Max(1, TargetBytes / length);
        var slab = new BlockSlab(pool, blocks, length);
        free.EnsureCapacity(free.Count + blocks);
        for (int i = blocks - 1; i >= 0; i--) free.Push(new KvBlock(pool, slab, slab._memory.Pointer + (long)i * length, length));
    }

    /// <summary>One of its blocks will not be used again; after the last the memory is freed.</summary>
    public void Drop()
    {
        if (--_blocks > 0) return;
        _pool.Took(-_memory.Length);
        _memory.Dispose();
    }
}
