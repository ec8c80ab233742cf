using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

public sealed class KvCacheTests
{
    [Fact]
    public void Bytes_are_what_blocks_and_tail_hold()
    {
        var fixture = new SequenceFixture(1, kvHeads: 2, channels: 64);
        using var pool = new BlockPool();
        using KvCache cache = fixture.NewCache("k=f16,v=f16", pool);
        fixture.Append(cache, 70);
        // Two sealed blocks in float16 and one open block in float32, for keys and values of two heads.
        Assert.Equal(2 * (2 * 32 * 64 * 2 * 2) + 2 * (32 * 64 * 2 * 4), cache.Bytes);
        Assert.Equal(cache.Bytes, pool.Bytes);
        Assert.Equal(70L * 2 * 2 * 64 * 2, cache.BytesF16);
    }

    [Fact]
    public void Disposing_returns_all_bytes_to_the_pool()
    {
        var fixture = new SequenceFixture(2);
        using var pool = new BlockPool();
        KvCache cache = fixture.NewCache(pool: pool);
        fixture.Append(cache, 100);
        KvCache fork = cache.Fork();
        cache.Dispose();
        Assert.True(pool.Bytes > 0);
        fork.Dispose();
        Assert.Equal(0, pool.Bytes);
    }

    [Fact]
    public void A_fork_shares_sealed_blocks_and_then_goes_its_own_way()
    {
        var fixture = new SequenceFixture(3);
        using var pool = new BlockPool();
        using KvCache cache = fixture.NewCache(pool: pool);
        fixture.Append(cache, 100);
        long before = pool.Bytes;
        using KvCache fork = cache.Fork();
        Assert.Equal(before + 2 * (32 * 16 * 2 * 4), pool.Bytes);

        float[][] queries = fixture.Queries(1);
        float[] expected = fixture.Attend(cache, 0, queries, 99, 1);
        fixture.Append(fork, 50);
        Assert.Equal(expected, fixture.Attend(cache, 0, queries, 99, 1));
        fixture.Close(fixture.Expected(0, queries, 149, 1, 150), fixture.Attend(fork, 0, queries, 149, 1));
    }

    [Fact]
    public void Sealed_block_is_never_written()
    {
        var fixture = new SequenceFixture(4);
        using KvCache cache = fixture.NewCache("k=f16,v=f16");
        fixture.Append(cache, 64);
        byte[] before = Block(cache);
        using KvCache fork = cache.Fork();
        fork.Truncate(40);
        fixture.Append(fork, 60);
        fixture.Append(cache, 60);
        Assert.Equal(before, Block(cache));

        static unsafe byte[] Block(KvCache cache) =>
            new ReadOnlySpan<byte>(cache.Layers[0].Heads[0].Segments[0].Keys(1), 32 * 16 * 2).ToArray();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(75)]
    [InlineData(96)]
    [InlineData(99)]
    public void Truncated_cache_goes_on_as_if_the_rest_had_never_been(int length)
    {
        var fixture = new SequenceFixture(5);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 100);
        cache.Truncate(length);
        fixture.Keys.RemoveRange(length, 100 - length);
        fixture.Values.RemoveRange(length, 100 - length);
        fixture.Append(cache, 45);
        float[][] queries = fixture.Queries(2);
        fixture.Close(fixture.Expected(0, queries, length + 44, 2, length + 45), fixture.Attend(cache, 0, queries, length + 44, 2));
    }

    [Fact]
    public void Residual_keeps_the_newest_tokens_in_float()
    {
        var fixture = new SequenceFixture(6);
        using KvCache cache = fixture.NewCache("k=f16,v=f16,residual=64");
        fixture.Append(cache, 200);
        Assert.Equal(200 - 4 * 32, cache.Layers[0].Heads[0].Tail.TokenCount);
    }

    [Fact]
    public void Budget_refuses_before_anything_changes()
    {
        var fixture = new SequenceFixture(7, kvHeads: 1, channels: 64);
        using var pool = new BlockPool(4 * 32 * 64 * 2 * 2);
        using KvCache cache = fixture.NewCache("k=f16,v=f16", pool);
        fixture.Append(cache, 64);
        cache.BeginStep(32).Dispose();
        var error = Assert.Throws<KvBudgetExceededException>(() => cache.BeginStep(64));
        Assert.Contains("32,768", error.Message, StringComparison.Ordinal);
        Assert.Equal(64, cache.Length);
    }

    [Fact]
    public void Random_appends_forks_and_truncations_agree_with_the_definition()
    {
        for (int seed = 0; seed < 8; seed++)
        {
            var random = new Random(seed);
            var fixture = new SequenceFixture(seed);
            KvCache cache = fixture.NewCache();
            for (int step = 0; step < 12; step++)
            {
                switch (random.Next(4))
                {
                    case 0 when cache.Length > 0:
                        int length = random.Next(cache.Length);
                        cache.Truncate(length);
                        fixture.Keys.RemoveRange(length, fixture.Keys.Count - length);
                        fixture.Values.RemoveRange(length, fixture.Values.Count - length);
                        break;
                    case 1:
                        KvCache fork = cache.Fork();
                        cache.Dispose();
                        cache = fork;
                        break;
                    case 2:
                        cache.Seal();
                        break;
                    default:
                        fixture.Append(cache, random.Next(1, 70));
                        break;
                }
            }
            fixture.Append(cache, 1);
            float[][] queries = fixture.Queries(2);
            fixture.Close(fixture.Expected(1, queries, cache.Length - 1, 2, cache.Length),
                fixture.Attend(cache, 1, queries, cache.Length - 1, 2));
            cache.Dispose();
        }
    }
}
