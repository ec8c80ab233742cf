namespace Kvasir.Cache;

/// <summary>
/// Memory for the keys and values of <see cref="Tokens"/> tokens of one kv head, from a <see cref="BlockPool"/>.
/// Written while it is open, immutable once sealed, shared by reference count.
/// </summary>
internal sealed unsafe class KvBlock
{
    /// <summary>Tokens of a block; also KIVI's group.</summary>
    public const int Tokens = 32;

    /// <summary>Blocks that hold so many tokens.</summary>
    public static int CountFor(int tokens) => (tokens + Tokens - 1) / Tokens;

    private int _references;

    internal KvBlock(BlockPool pool, BlockSlab slab, byte* data, int length)
    {
        Pool = pool;
        Slab = slab;
        Data = data;
        Length = length;
    }

    public byte* Data { get; }

    /// <summary>Bytes of memory.</summary>
    public int Length { get; }

    /// <summary>Whether more than one holds it.</summary>
    public bool IsShared => Volatile.Read(ref _references) > 1;

    internal BlockPool Pool { get; }

    internal BlockSlab Slab { get; }

    public KvBlock Retain()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    /// <summary>Gives up one reference; the last one returns the memory to the pool.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0) Pool.Return(this);
    }
}
