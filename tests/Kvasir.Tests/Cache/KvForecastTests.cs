using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

public sealed class KvForecastTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_forecast_is_what_a_cache_comes_to_hold_to_the_byte(int seed)
    {
        var random = new Random(seed);
        SequenceFixture fixture = Fixture(random);
        KvPolicy policy = RandomPolicy(random);
        using var pool = new BlockPool();
        using var cache = new KvCache(fixture.Layout, policy, pool);
        var forecast = new KvForecast(fixture.Layout, policy, workers: 1, sliceTokens: 512);
        long most = 0;
        for (int tokens = 1; tokens <= 260; tokens++)
        {
            most = Math.Max(most, Grow(cache, 1));
            Assert.Equal(most, forecast.MostBytes(tokens));
            Assert.Equal(cache.Bytes, pool.Bytes);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Growth_from_any_state_is_forecast_to_the_byte(int seed)
    {
        var random = new Random(seed);
        SequenceFixture fixture = Fixture(random);
        KvPolicy policy = RandomPolicy(random);
        using var cache = new KvCache(fixture.Layout, policy, new BlockPool());
        for (int round = 0; round < 8; round++)
        {
            Grow(cache, random.Next(1, 90));
            if (random.Next(3) == 0) cache.Truncate(random.Next(cache.Length));
            if (random.Next(4) == 0) cache.Seal();
            int more = random.Next(1, 90);
            long held = cache.Bytes, most = held, forecast = cache.MostGrowthBytes(more);
            for (int token = 0; token < more; token++) most = Math.Max(most, Grow(cache, 1));
            Assert.Equal(most - held, forecast);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Steps_of_any_length_hold_no_more_than_forecast(int seed)
    {
        var random = new Random(seed);
        SequenceFixture fixture = Fixture(random);
        KvPolicy policy = RandomPolicy(random);
        using var pool = new BlockPool();
        using var cache = new KvCache(fixture.Layout, policy, pool);
        var forecast = new KvForecast(fixture.Layout, policy, workers: 1, sliceTokens: 512);
        long pass = 0;
        while (cache.Length < 1500)
        {
            int tokens = random.Next(4) == 0 ? random.Next(2, 512) : 1;
            pass = Math.Max(pass, forecast.PassBytes(tokens, tokens > 1 ? 1 : 0));
            Grow(cache, tokens);
            Assert.True(cache.Bytes <= forecast.MostBytes(cache.Length));
            Assert.True(pool.MostBytes <= forecast.MostBytes(cache.Length) + pass);
        }
    }

    [Fact]
    public void Longest_sequence_fits_and_one_more_token_does_not()
    {
        var fixture = new SequenceFixture(1, kvHeads: 3, channels: 64);
        var forecast = new KvForecast(fixture.Layout, KvPolicy.Parse("k=kivi2,v=kivi2"), workers: 2, sliceTokens: 512);
        foreach (long budget in new[] { 0L, 100_000, 300_000, 1_000_000, 50_000_000 })
        {
            int tokens = forecast.MostTokens(budget);
            Assert.True(tokens == 0 || forecast.MostBytes(tokens) + forecast.PassBytes(tokens, 1) <= budget);
            Assert.True(forecast.MostBytes(tokens + 1) + forecast.PassBytes(tokens + 1, 1) > budget);
        }

        long each = forecast.MostBytes(2048), besides = forecast.PassBytes(2048, 1);
        Assert.Equal((7, 8), (forecast.MostSequences(8 * each + besides - 1, 2048), forecast.MostSequences(8 * each + besides, 2048)));
        Assert.Equal(0, forecast.MostSequences(10, 2048));
    }

    [Fact]
    public void Duplicate_shares_no_block_and_is_counted_by_its_own_pool()
    {
        var fixture = new SequenceFixture(2, channels: 64);
        using KvCache cache = fixture.NewCache("k=kivi4,v=kivi2");
        fixture.Append(cache, 150);
        using var pool = new BlockPool(cache.Bytes);
        float[][] queries = fixture.Queries(1);
        float[] expected = fixture.Attend(cache, 0, queries, 149, 1);
        using (KvCache copy = cache.Duplicate(pool))
        {
            Assert.Equal((cache.Bytes, cache.Bytes, cache.Length), (copy.Bytes, pool.Bytes, copy.Length));
            Assert.Throws<KvBudgetExceededException>(() => cache.Duplicate(pool));
            cache.Truncate(0);
            Assert.Equal(expected, fixture.Attend(copy, 0, queries, 149, 1));
        }
        Assert.Equal(0, pool.Bytes);
    }

    private static SequenceFixture Fixture(Random random) =>
        new(random.Next(), kvHeads: random.Next(1, 4), channels: 16 * random.Next(1, 6));

    private static KvPolicy RandomPolicy(Random random)
    {
        string[] codecs = ["f32", "f16", "q8", "kivi4", "kivi3", "kivi2"];
        var policy = new KvPolicy
        {
            Keys = codecs[random.Next(codecs.Length)],
            Values = codecs[random.Next(codecs.Length)],
            Group = 16 << random.Next(2),
            ScaleBits = 8 << random.Next(3)
        };
        return random.Next(2) == 0 ? policy : policy with { Residual = 32 * random.Next(4), Sink = 32 * random.Next(4) };
    }

    /// <summary>Appends tokens in one step, as a forward pass does; the most bytes held within it.</summary>
    private static long Grow(KvCache cache, int tokens)
    {
        long grown = 0;
        cache.Append(tokens, seal: true, (_, _, _, _, _) => grown = cache.Bytes);
        return Math.Max(grown, cache.Bytes);
    }
}
