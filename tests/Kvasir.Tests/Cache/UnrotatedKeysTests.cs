using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache;

/// <summary>Keys that are kept before their rotation are one more codec: it is told where their tokens stood.</summary>
public unsafe class UnrotatedKeysTests
{
    [Theory]
    [InlineData(2, int.MaxValue)]
    [InlineData(30, int.MaxValue)]
    [InlineData(2, 70)]
    public void Keys_kept_before_rotation_give_the_same_attention(int queryTokens, int window)
    {
        var fixture = new SequenceFixture(21, window: window);
        using KvCache prefix = fixture.NewCache(), chunk = fixture.NewCache(), exact = fixture.NewCache();
        fixture.Append(prefix, 11);
        fixture.Append(chunk, 150);
        exact.Place(prefix, 0);
        exact.Place(chunk, 0); // 11 positions behind where it was computed
        using KvCache unrotated = AllHeads(exact, fixture);
        for (int head = 0; head < 2; head++)
        {
            float[][] queries = fixture.Queries(queryTokens);
            fixture.Close(fixture.Attend(exact, head, queries, 161, queryTokens),
                fixture.Attend(unrotated, head, queries, 161, queryTokens));
        }
    }

    [Fact]
    public void Of_a_pruned_run_each_token_is_rotated_for_its_own_position()
    {
        var fixture = new SequenceFixture(22);
        using KvCache whole = fixture.NewCache(), pruned = fixture.NewCache();
        fixture.Append(whole, 130);
        pruned.PlacePruned(whole, 0, (_, head) => [.. Enumerable.Range(0, 130).Where(i => i % (3 + head) != 0).Select(i => (ushort)i)]);
        using KvCache unrotated = AllHeads(pruned, fixture);
        for (int head = 0; head < 2; head++)
        {
            float[][] queries = fixture.Queries(2);
            fixture.Close(fixture.Attend(pruned, head, queries, 140, 2), fixture.Attend(unrotated, head, queries, 140, 2));
        }
    }

    private static KvCache AllHeads(KvCache cache, SequenceFixture fixture)
    {
        var codec = new BlockCodec(
            new UnrotatedKeys(fixture.Kernels), new FloatValues(fixture.Kernels), fixture.Layer.KeyChannels, fixture.Layer.ValueChannels);
        using KvCache first = cache.ForkWith(0, 0, new HeadCodec(codec, codec, 0, 0));
        return first.ForkWith(0, 1, new HeadCodec(codec, codec, 0, 0));
    }

    /// <summary>Float32, rotated back before it is kept and forth again before it is read.</summary>
    private sealed class UnrotatedKeys(AttentionKernels kernels) : KeyCodec
    {
        public override string Name => "unrotated";

        public override int Bytes(int channels) => KvBlock.Tokens * channels * sizeof(float);

        public override void Encode(float* keys, int channels, int tokens, byte* block, in KeyContext context) =>
            Rotate(keys, channels, tokens, (float*)block, context, -1);

        public override void Decode(byte* block, int channels, float* keys, in KeyContext context) =>
            Rotate((float*)block, channels, CountOf(context), keys, context, 1);

        public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride)
        {
            var keys = new float[KvBlock.Tokens * strip.Channels];
            fixed (float* k = keys)
                for (int b = 0; b < strip.Count; b++)
                {
                    KeyContext context = strip.Keys with { FirstToken = strip.Keys.FirstToken + b * KvBlock.Tokens };
                    Decode(strip.Blocks[b], strip.Channels, k, context);
                    kernels.Multiply(new(queries, strip.Channels), k, rows, strip.Channels, KvBlock.Tokens,
                        new(scores + b * KvBlock.Tokens, scoresStride), accumulate: false);
                }
        }

        /// <summary>Behind a pruned run's last token there is no position.</summary>
        private static int CountOf(KeyContext context) =>
            Math.Min(KvBlock.Tokens, (context.Kept?.Count ?? int.MaxValue) - context.FirstToken);

        private static void Rotate(float* source, int channels, int tokens, float* destination, KeyContext context, int direction)
        {
            Rotary rotary = context.Rotary!;
            float[] key = new float[channels], table = new float[rotary.TableLength];
            new Span<float>(destination, KvBlock.Tokens * channels).Clear();
            fixed (float* k = key, t = table)
                for (int token = 0; token < tokens; token++)
                {
                    for (int c = 0; c < channels; c++) k[c] = source[c * KvBlock.Tokens + token];
                    rotary.FillTable(direction * context.PositionOf(token), table);
                    rotary.Rotate(k, t);
                    for (int c = 0; c < channels; c++) destination[c * KvBlock.Tokens + token] = k[c];
                }
        }
    }
}
