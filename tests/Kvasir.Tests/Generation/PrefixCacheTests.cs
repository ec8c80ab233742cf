using Kvasir.Cache;
using Kvasir.Generation;

namespace Kvasir.Tests.Generation;

public sealed class PrefixCacheTests : IDisposable
{
    private readonly FakeModel _model = new();

    [Fact]
    public void Longest_shared_beginning_is_found_in_whole_blocks()
    {
        using var prefixes = new PrefixCache(long.MaxValue);
        Keep(prefixes, Sequence(1, 100));
        List<int> prompt = [.. Sequence(1, 80), .. Sequence(2, 50)];
        using KvCache? shared = prefixes.Take(prompt);
        Assert.Equal(64, shared!.Length);
        Assert.Equal(prompt[..64], FakeModel.IdsOf(shared));
    }

    [Fact]
    public void Last_token_of_a_prompt_is_always_left_to_compute()
    {
        using var prefixes = new PrefixCache(long.MaxValue);
        Keep(prefixes, Sequence(1, 64));
        using KvCache? shared = prefixes.Take(Sequence(1, 64));
        Assert.Equal(32, shared!.Length);
    }

    [Fact]
    public void Equal_block_after_another_beginning_is_not_shared()
    {
        using var prefixes = new PrefixCache(long.MaxValue);
        Keep(prefixes, [.. Sequence(1, 32), .. Sequence(9, 32)]);
        Assert.Null(prefixes.Take([.. Sequence(2, 32), .. Sequence(9, 40)]));
    }

    /// <summary>With a hash under which all blocks are equal, only the ids themselves tell texts apart.</summary>
    [Fact]
    public void Colliding_hashes_never_give_another_texts_cache()
    {
        using var prefixes = new PrefixCache(long.MaxValue, (_, _) => 7);
        Keep(prefixes, Sequence(1, 96));
        Assert.Null(prefixes.Take(Sequence(2, 100)));
        Assert.Null(prefixes.Take([.. Sequence(1, 64), .. Sequence(2, 40)]));
        using KvCache? own = prefixes.Take(Sequence(1, 100));
        Assert.Equal(Sequence(1, 96), FakeModel.IdsOf(own!));
    }

    [Fact]
    public void Least_recently_used_goes_first()
    {
        using var prefixes = new PrefixCache(2 * 2 * FakeModel.BlockBytes);
        Keep(prefixes, Sequence(1, 64));
        Keep(prefixes, Sequence(2, 64));
        prefixes.Take(Sequence(1, 70))!.Dispose();
        Keep(prefixes, Sequence(3, 64));
        Assert.Null(prefixes.Take(Sequence(2, 70)));
        Assert.Equal(64, prefixes.Take(Sequence(1, 70))!.Length);
        Assert.Equal((2, 2 * 2 * FakeModel.BlockBytes), (prefixes.Count, prefixes.Bytes));
    }

    [Fact]
    public void Beginning_shared_by_two_stays_known_when_one_is_evicted()
    {
        using var prefixes = new PrefixCache(2 * 2 * FakeModel.BlockBytes);
        Keep(prefixes, [.. Sequence(1, 32), .. Sequence(2, 32)]);
        Keep(prefixes, [.. Sequence(1, 32), .. Sequence(3, 32)]);
        prefixes.Take([.. Sequence(1, 32), .. Sequence(2, 40)])!.Dispose();
        Keep(prefixes, Sequence(5, 64));
        Assert.Equal(32, prefixes.Take(Sequence(1, 40))!.Length);
    }

    [Fact]
    public void Too_short_or_too_large_caches_stay_with_the_caller()
    {
        using var prefixes = new PrefixCache(FakeModel.BlockBytes);
        Assert.False(prefixes.Keep(Sequence(1, 31), _model.Filled([.. Sequence(1, 31)])));
        Assert.False(prefixes.Keep(Sequence(1, 64), _model.Filled([.. Sequence(1, 64)])));
    }

    public void Dispose() => _model.Pool.Dispose();

    private static List<int> Sequence(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(256))];
    }

    private void Keep(PrefixCache prefixes, List<int> ids) => Assert.True(prefixes.Keep(ids, _model.Filled([.. ids])));
}
