using Kvasir.Cache;
using Kvasir.Numerics;

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

    /// <summary>While blocks are moved, what they leave behind is given back, and what is used for a moment is used again.</summary>
    [Fact]
    public void Slabs_set_aside_are_given_back_one_by_one_and_fresh_ones_are_used_again()
    {
        const int length = 1 << 20, slab = 2 << 20;
        using var pool = new BlockPool();
        KvBlock[] old = [.. Enumerable.Range(0, 8).Select(_ => pool.Rent(length))];
        Assert.Equal(4 * slab, pool.MemoryBytes);
        pool.SetAside();
        KvBlock kept = pool.Rent(length);
        for (int i = 0; i < 10; i++)
        {
            pool.Rent(length).Release();
            Assert.Equal(5 * slab, pool.MemoryBytes);
        }
        old[0].Release();
        Assert.Equal(5 * slab, pool.MemoryBytes);
        old[1].Release();
        Assert.Equal(4 * slab, pool.MemoryBytes);
        old[2].Release();
        pool.Trim();
        KvBlock again = pool.Rent(length), other = pool.Rent(length);
        Assert.Equal(4 * slab, pool.MemoryBytes);
        unsafe
        {
            new Span<byte>(again.Data, length).Fill(1);
            new Span<byte>(other.Data, length).Fill(2);
        }
        foreach (KvBlock block in old[3..].Append(kept).Append(again).Append(other)) block.Release();
        Assert.Equal((0, 0), (pool.Bytes, pool.MemoryBytes));
    }

    /// <summary>One head keeps all its tokens, seven a few: the memory that they filled side by side goes back to the system.</summary>
    [Fact]
    public void What_some_heads_evict_is_given_back_although_others_keep_everything()
    {
        const int heads = 8, channels = 64, tokens = 4096, slab = 2 << 20;
        using var pool = new BlockPool();
        var layer = new LayerLayout(heads, channels, channels, int.MaxValue, null);
        var layout = new KvLayout([layer], AttentionKernels.For(KernelPaths.Choose()), () => "m", () => "t");
        using var cache = new KvCache(layout, new KvPolicy(), pool);
        for (int at = 0; at < tokens; at += KvBlock.Tokens)
            cache.Append(KvBlock.Tokens, seal: true, (_, head, t, key, value) => key.Fill(head + t));
        long full = pool.MemoryBytes;
        Assert.InRange(full, (long)heads * tokens * channels * 2 * sizeof(ushort), long.MaxValue);
        pool.SetAside();
        long most = 0;
        for (int h = 0; h < heads; h++)
        {
            using HeadCache head = cache.Layers[0].Heads[h];
            int[] kept = [.. Enumerable.Range(0, tokens).Where(position => h == 3 || position % 64 == 0)];
            cache.Layers[0].Heads[h] = head.Compact(cache.Policy.HeadCodec(cache.Layout, 0, h), 0, tokens, kept, moves: true);
            most = Math.Max(most, pool.MemoryBytes);
        }
        pool.Trim();
        Assert.InRange(most, full, full + pool.Bytes + 2 * slab);
        Assert.InRange(pool.MemoryBytes, pool.Bytes, pool.Bytes + 2 * slab);
        Assert.InRange(pool.Bytes, 0, full / 6);
    }
}
