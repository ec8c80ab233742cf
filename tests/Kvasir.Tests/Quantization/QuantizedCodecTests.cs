using Kvasir.Numerics;
using Kvasir.Quantization;
using Kvasir.Tests.Cache;

namespace Kvasir.Tests.Quantization;

/// <summary>Quantised keys and values against the definition in plain loops, and on numbers that a model should never give.</summary>
[Trait("Category", "Kernels")]
public sealed class QuantizedCodecTests
{
    /// <summary>Bits, group of keys, bits of scales.</summary>
    public static TheoryData<int, int, int> Formats
    {
        get
        {
            var formats = new TheoryData<int, int, int>();
            foreach (int bits in new[] { 2, 3, 4, 8 })
                foreach (int group in new[] { 16, 32 })
                    foreach (int scaleBits in new[] { 8, 16, 32 }) formats.Add(bits, group, scaleBits);
            return formats;
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Decoded_values_equal_the_definition_on_every_path(int bits, int group, int scaleBits)
    {
        var format = new QuantizedFormat(bits, group, scaleBits);
        var random = new Random(bits * 100 + group + scaleBits);
        foreach (int channels in new[] { 64, 80, 96, 128, 256, 20, 33, 1, 7 })
        {
            float[] keys = Channelwise(random, channels), values = Spread(random, channels * 32);
            float[] expectedKeys = PlainQuantizer.Keys(keys, channels, 32, format).Values,
                expectedValues = PlainQuantizer.Values(values, channels, 32, format).Values;
            byte[]? bytes = null;
            foreach (AttentionKernels kernels in EncodedBlock.AllKernels)
            {
                using var block = new EncodedBlock(kernels, format, channels, keys, values);
                (float[] decodedKeys, float[] decodedValues) = block.Decode();
                Equal(expectedKeys, decodedKeys, $"{format}, keys of {channels} channels, {kernels}");
                Equal(expectedValues, decodedValues, $"{format}, values of {channels} channels, {kernels}");
                Assert.Equal(bytes ??= block.Bytes, block.Bytes);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Unused_tokens_of_a_short_block_widen_no_group(int bits, int group, int scaleBits)
    {
        var format = new QuantizedFormat(bits, group, scaleBits);
        var random = new Random(bits);
        for (int tokens = 1; tokens < 32; tokens++)
        {
            int channels = tokens % 3 == 0 ? 80 : 24;
            float[] keys = Channelwise(random, channels), values = Spread(random, channels * 32);
            float[] expectedKeys = PlainQuantizer.Keys(keys, channels, tokens, format).Values,
                expectedValues = PlainQuantizer.Values(values, channels, tokens, format).Values;
            using var block = new EncodedBlock(EncodedBlock.BestKernels, format, channels, keys, values, tokens);
            (float[] decodedKeys, float[] decodedValues) = block.Decode();
            Equal(expectedValues[..(tokens * channels)], decodedValues[..(tokens * channels)], $"{format}, values of {tokens} tokens");
            Equal(Real(expectedKeys, tokens), Real(decodedKeys, tokens), $"{format}, keys of {tokens} tokens");
            Assert.True(decodedKeys.Concat(decodedValues).All(float.IsFinite));
        }

        static float[] Real(float[] keys, int tokens) => [.. keys.Where((_, i) => i % 32 < tokens)];
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Only_finite_numbers_come_out_whatever_goes_in(int bits, int group, int scaleBits)
    {
        const int Channels = 40;
        var format = new QuantizedFormat(bits, group, scaleBits);
        var random = new Random(7);
        foreach (Func<int, float> input in Hostile(random))
        {
            float[] keys = [.. Enumerable.Range(0, Channels * 32).Select(input)],
                values = [.. Enumerable.Range(0, Channels * 32).Select(input)];
            float[] left = [.. Enumerable.Range(0, 3 * Channels).Select(_ => random.NextSingle() * 2 - 1)];
            float[] expectedKeys = PlainQuantizer.Keys(keys, Channels, 32, format).Values,
                expectedValues = PlainQuantizer.Values(values, Channels, 32, format).Values;
            foreach (AttentionKernels kernels in EncodedBlock.AllKernels)
            {
                using var block = new EncodedBlock(kernels, format, Channels, keys, values);
                (float[] decodedKeys, float[] decodedValues) = block.Decode();
                Equal(expectedKeys, decodedKeys, $"{format}, {kernels}");
                Equal(expectedValues, decodedValues, $"{format}, {kernels}");
                float[] scores = block.Scores(left, 3, 32), output = block.Accumulate(left[..96], 32, 3, new float[3 * Channels]);
                Assert.True(decodedKeys.Concat(decodedValues).Concat(scores).Concat(output).All(float.IsFinite));
            }
        }
    }

    [Theory]
    [InlineData("f16")]
    [InlineData("kivi4/32/8")]
    public void Codecs_below_float32_let_no_infinity_or_NaN_through(string codec)
    {
        float[] floats = [.. Enumerable.Range(0, 64 * 32)
            .Select(i =>
            (i % 5) switch { 0 => float.NaN, 1 => float.NegativeInfinity, 2 => float.PositiveInfinity, 3 => float.MaxValue, _ => i })];
        using var block = new EncodedBlock(EncodedBlock.BestKernels, codec, codec, 64, floats, floats);
        (float[] keys, float[] values) = block.Decode();
        Assert.InRange(keys.Concat(values).Max(Math.Abs), 0, 66000);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Groups_of_one_number_come_back_exactly(int bits, int group, int scaleBits)
    {
        const int Channels = 64;
        if (scaleBits == 8) return;
        // Representable in float16; another number for every channel of keys and token of values.
        float[] keys = [.. Enumerable.Range(0, Channels * 32).Select(i => i / 32 * 0.25f - 7)],
            values = [.. Enumerable.Range(0, Channels * 32).Select(i => i / Channels * -0.5f + 3)];
        using var block = new EncodedBlock(EncodedBlock.BestKernels, new QuantizedFormat(bits, group, scaleBits), Channels, keys, values);
        (float[] decodedKeys, float[] decodedValues) = block.Decode();
        Assert.Equal(keys, decodedKeys);
        Assert.Equal(values, decodedValues);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void Every_decoded_value_is_within_half_a_step(int bits)
    {
        const int Channels = 96;
        var random = new Random(3);
        float[] keys = Channelwise(random, Channels), values = Spread(random, Channels * 32);
        foreach (int scaleBits in new[] { 16, 32 })
        {
            var format = new QuantizedFormat(bits, 32, scaleBits);
            using var block = new EncodedBlock(EncodedBlock.BestKernels, format, Channels, keys, values);
            float[] decoded = block.Decode().Keys;
            for (int i = 0; i < keys.Length; i++)
            {
                float[] group = keys[(i / 32 * 32)..(i / 32 * 32 + 32)];
                float step = (group.Max() - group.Min()) / format.Levels, roundedScale = scaleBits == 16
                    ? group.Max(Math.Abs) * 2e-3f : 1e-5f;
                Assert.InRange(Math.Abs(keys[i] - decoded[i]), 0, step / 2 + roundedScale);
            }
        }
    }

    /// <summary>Numbers by index that are hard to quantise.</summary>
    private static IEnumerable<Func<int, float>> Hostile(Random random)
    {
        float[] specials = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, float.Epsilon,
            -float.Epsilon, 1e-40f, 1e30f, -1e30f, 65504, 65520, -0f, 0, 1, 6e-8f, 3e-8f, 1e-30f];
        yield return _ => 0;
        yield return _ => float.NaN;
        yield return _ => float.PositiveInfinity;
        yield return _ => float.NegativeInfinity;
        yield return i => i % 2 == 0 ? float.MaxValue : float.MinValue;
        yield return i => i % 7 == 0 ? float.PositiveInfinity : i;
        yield return i => i % 33 == 0 ? float.NaN : -1 - i % 5;
        yield return i => i % 3 * float.Epsilon;
        yield return _ => random.NextSingle() * 1e-40f;
        yield return _ => random.NextSingle() * 1e-30f;
        yield return _ => random.NextSingle() * 1e-7f;
        yield return _ => random.NextSingle() * 1e30f;
        yield return _ => -random.NextSingle() - 5;
        yield return _ => 1000 + random.NextSingle() * 1e-4f;
        yield return i => i % 31 * 0.5f;
        yield return _ => specials[random.Next(specials.Length)];
    }

    /// <summary>Keys whose channels have means and spreads of their own, some with outliers.</summary>
    private static float[] Channelwise(Random random, int channels)
    {
        var keys = new float[channels * 32];
        for (int c = 0; c < channels; c++)
        {
            float mean = (random.NextSingle() - 0.5f) * 10, spread = MathF.Exp(random.NextSingle() * 6 - 4);
            for (int t = 0; t < 32; t++) keys[c * 32 + t] = mean + spread * (random.NextSingle() - 0.5f);
            if (c % 11 == 3) keys[c * 32 + random.Next(32)] *= 40;
        }
        return keys;
    }

    private static float[] Spread(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * MathF.Exp(random.NextSingle() * 4 - 2))];

    private static void Equal(float[] expected, float[] actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            if (!expected[i].Equals(actual[i])) Assert.Fail($"{what} at {i}: {expected[i]:r} expected, {actual[i]:r} found");
    }
}
