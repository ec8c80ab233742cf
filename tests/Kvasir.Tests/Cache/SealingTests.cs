using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

/// <summary>Which tokens are sealed, and how, for every length and whatever the steps in which they came.</summary>
public sealed class SealingTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(32, 32)]
    [InlineData(64, 0)]
    [InlineData(32, 96)]
    [InlineData(128, 32)]
    public void Sink_and_residual_are_exact_at_every_length_whatever_the_steps(int residual, int sink)
    {
        var random = new Random(residual + sink);
        KvPolicy policy = KvPolicy.Parse($"k=kivi2,v=kivi4,residual={residual},sink={sink}");
        var fixture = new SequenceFixture(1, kvHeads: 1);
        for (int run = 0; run < 6; run++)
        {
            using KvCache cache = fixture.NewCache(policy.ToString());
            while (cache.Length < 400)
            {
                // Single steps, slices of a prompt, and both.
                fixture.Append(cache, run == 0 || (run > 2 && random.Next(2) == 0) ? 1 : random.Next(1, 90));
                int length = cache.Length, blocks = length < residual ? 0 : (length - residual) / 32;
                HeadCache head = cache.Layers[0].Heads[0];
                Assert.Equal(length - 32 * blocks, head.Tail.TokenCount);
                Assert.True(head.Tail.TokenCount >= Math.Min(length, residual), "fewer than the residual are exact");
                Assert.True(head.Tail.TokenCount < residual + 32, "a whole block too many is exact");
                for (int b = 0; b < blocks; b++)
                {
                    BlockCodec codec = CodecAt(head, 32 * b);
                    Assert.Equal(32 * b < sink ? ("f16", "f16") : ("kivi2/32/8", "kivi4/32/8"), (codec.Keys.Name, codec.Values.Name));
                }
            }
        }
    }

    [Fact]
    public unsafe void Steps_and_slices_give_the_same_bytes()
    {
        byte[]? expected = null;
        foreach (int step in new[] { 1, 7, 32, 50, 300 })
        {
            // The same seed gives the same tokens.
            var fixture = new SequenceFixture(2, kvHeads: 1);
            using KvCache cache = fixture.NewCache("k=kivi3,v=kivi2,group=16");
            while (cache.Length < 300) fixture.Append(cache, Math.Min(step, 300 - cache.Length));
            var bytes = new List<byte>();
            foreach (KvSegment segment in cache.Layers[0].Heads[0].Segments)
                for (int b = 0; b < segment.BlockCount; b++) bytes.AddRange(new ReadOnlySpan<byte>(segment.Keys(b), segment.Codec.Bytes));
            Assert.Equal(expected ??= [.. bytes], bytes);
        }
        Assert.NotEmpty(expected!);
    }

    private static BlockCodec CodecAt(HeadCache head, int position) =>
        head.Segments.Single(segment => segment.FirstPosition <= position && position < segment.EndPosition).Codec;
}
