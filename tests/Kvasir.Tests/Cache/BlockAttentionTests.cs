using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache;

[Trait("Category", "Kernels")]
public sealed class BlockAttentionTests
{
    public static TheoryData<int> Paths => [.. Enum.GetValues<KernelPath>().Where(KernelPaths.IsSupported).Select(path => (int)path)];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Attention_over_blocks_and_tail_equals_the_definition(int path)
    {
        foreach ((int length, int group, int channels) in new[] { (1, 1, 16), (33, 3, 64), (96, 4, 48), (300, 7, 80), (70, 2, 24) })
        {
            var fixture = new SequenceFixture(length, channels: channels, path: (KernelPath)path);
            using KvCache cache = fixture.NewCache();
            fixture.Append(cache, length);
            float[][] queries = fixture.Queries(group);
            fixture.Close(fixture.Expected(1, queries, length - 1, group, length), fixture.Attend(cache, 1, queries, length - 1, group));
        }
    }

    [Theory]
    [InlineData(int.MaxValue, 0f)]
    [InlineData(16, 0f)]
    [InlineData(40, 3f)]
    public void A_tile_of_a_prompt_sees_only_its_past_and_window(int window, float softCap)
    {
        var fixture = new SequenceFixture(7, window: window);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 90);
        float[][] queries = fixture.Queries(20 * 2);
        fixture.Close(fixture.Expected(0, queries, 60, 2, 90, softCap: softCap),
            fixture.Attend(cache, 0, queries, 60, 2, softCap: softCap));
    }

    [Fact]
    public void Without_causality_every_token_sees_all()
    {
        var fixture = new SequenceFixture(8);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 45);
        float[][] queries = fixture.Queries(5);
        fixture.Close(fixture.Expected(0, queries, 0, 1, 45, causal: false), fixture.Attend(cache, 0, queries, 0, 1, causal: false));
    }

    [Fact]
    public void Float16_blocks_differ_from_float32_by_rounding_only()
    {
        var fixture = new SequenceFixture(9, channels: 64);
        using KvCache cache = fixture.NewCache("k=f16,v=f16");
        fixture.Append(cache, 200);
        float[][] queries = fixture.Queries(3);
        float[] expected = fixture.Expected(0, queries, 199, 3, 200), actual = fixture.Attend(cache, 0, queries, 199, 3);
        SequenceFixture.Close(expected, actual, 2e-2f);
        Assert.NotEqual(expected, actual);
    }

    [Fact]
    public void Many_rows_share_decoded_blocks_and_give_what_few_rows_give()
    {
        var fixture = new SequenceFixture(10, channels: 64);
        using KvCache cache = fixture.NewCache("k=f16,v=f16");
        fixture.Append(cache, 130);
        float[][] queries = fixture.Queries(30);
        float[] together = fixture.Attend(cache, 0, queries, 100, 1);
        for (int r = 0; r < queries.Length; r++)
            fixture.Close(fixture.Attend(cache, 0, [queries[r]], 100 + r, 1), together[(r * 64)..((r + 1) * 64)]);
    }
}
