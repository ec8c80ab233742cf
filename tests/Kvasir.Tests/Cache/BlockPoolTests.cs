using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

public sealed class BlockPoolTests
{
    [Fact]
    public void Blocks_are_aligned_and_apart()
    {
        using var pool = new BlockPool();
        KvBlock[] blocks = [.. Enumerable.Range(0, 500).Select(i => pool.Rent(100 + i % 3 * 5000))];
        unsafe
        {
            Assert.All(blocks, block => Assert.Equal(0, (nint)block.Data % 64));
            KvBlock[] ordered = [.. blocks.OrderBy(block => (nint)block.Data)];
            for (int i = 1; i < ordered.Length; i++) Assert.True(ordered[i - 1].Data + ordered[i - 1].Length <= ordered[i].Data);
        }
        foreach (KvBlock block in blocks) block.Release();
        Assert.Equal(0, pool.Bytes);
    }

    [Fact]
    public void A_block_returns_after_its_last_reference()
    {
        using var pool = new BlockPool();
        KvBlock block = pool.Rent(64);
        block.Retain();
        block.Release();
        Assert.Equal(64, pool.Bytes);
        block.Release();
        Assert.Equal(0, pool.Bytes);
    }

    [Fact]
    public void Threads_may_rent_and_return_at_once()
    {
        using var pool = new BlockPool();
        Parallel.For(0, 2000, i => pool.Rent(64 * (1 + i % 4)).Release());
        Assert.Equal(0, pool.Bytes);
    }
}
