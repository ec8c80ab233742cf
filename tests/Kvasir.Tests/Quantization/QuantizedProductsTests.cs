using Kvasir.Numerics;
using Kvasir.Quantization;
using Kvasir.Tests.Cache;

namespace Kvasir.Tests.Quantization;

/// <summary>Scores and weighted sums straight from the codes against sums in double over the decoded values.</summary>
[Trait("Category", "Kernels")]
public sealed class QuantizedProductsTests
{
    /// <summary>What rounding to float may cost, relative to the sum of the absolute products.</summary>
    private const double Rounding = 1e-5;

    public static TheoryData<int, int> PathsAndBits
    {
        get
        {
            var all = new TheoryData<int, int>();
            foreach (KernelPath path in KernelPaths.Supported)
                foreach (int bits in new[] { 2, 3, 4, 8 }) all.Add((int)path, bits);
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(PathsAndBits))]
    public void Scores_are_the_products_with_decoded_keys(int path, int bits)
    {
        var random = new Random(bits);
        foreach (int group in new[] { 16, 32 })
            foreach (int scaleBits in new[] { 8, 16, 32 })
                foreach (int channels in new[] { 64, 80, 96, 128, 256, 20, 33 })
                {
                    var format = new QuantizedFormat(bits, group, scaleBits);
                    int rows = random.Next(1, 13), count = random.Next(1, 9), stride = 32 * count + random.Next(4) * 7;
                    float[] queries = Floats(random, rows * channels);
                    using Strip strip = NewStrip(random, AttentionKernels.For((KernelPath)path), format, channels, count);
                    float[] scores = EncodedBlock.Scores(strip.Blocks, queries, rows, stride);
                    for (int i = 0; i < rows * 32 * count; i++)
                    {
                        int r = i / (32 * count), t = i % (32 * count), block = t / 32;
                        PlainQuantizer.Block parts = strip.Keys[block];
                        double expected = 0, absolute = 0;
                        for (int c = 0; c < channels; c++)
                        {
                            expected += (double)queries[r * channels + c] * parts.Values[c * 32 + t % 32];
                            absolute += Math.Abs(queries[r * channels + c]) * Size(parts, c * 32 + t % 32);
                        }
                        Near(expected, scores[r * stride + t], absolute, (format, channels, rows, r, t));
                    }
                }
    }

    [Theory]
    [MemberData(nameof(PathsAndBits))]
    public void Weighted_sums_are_those_of_decoded_values(int path, int bits)
    {
        var random = new Random(bits);
        foreach (int scaleBits in new[] { 8, 16, 32 })
            foreach (int channels in new[] { 64, 80, 96, 128, 256, 20, 33 })
                foreach (int rows in new[] { random.Next(1, 7), random.Next(7, 13) })
                {
                    var format = new QuantizedFormat(bits, 32, scaleBits);
                    int count = random.Next(1, 9), stride = 32 * count + random.Next(4) * 7;
                    float[] weights = Floats(random, rows * stride), start = Floats(random, rows * channels);
                    using Strip strip = NewStrip(random, AttentionKernels.For((KernelPath)path), format, channels, count);
                    float[] output = EncodedBlock.Accumulate(strip.Blocks, weights, stride, rows, start);
                    for (int i = 0; i < rows * channels; i++)
                    {
                        int r = i / channels, c = i % channels;
                        double expected = start[i], absolute = Math.Abs(expected);
                        for (int t = 0; t < 32 * count; t++)
                        {
                            expected += (double)weights[r * stride + t] * strip.Values[t / 32].Values[t % 32 * channels + c];
                            absolute += Math.Abs(weights[r * stride + t]) * Size(strip.Values[t / 32], t % 32 * channels + c);
                        }
                        Near(expected, output[i], absolute, (format, channels, rows, r, c));
                    }
                }
    }

    [Theory]
    [MemberData(nameof(PathsAndBits))]
    public void Tokens_of_weight_zero_count_for_nothing(int path, int bits)
    {
        // A short block: what its unused tokens hold must not matter.
        var random = new Random(bits);
        const int Channels = 80, Tokens = 19;
        float[] values = Floats(random, Channels * 32), weights = new float[32];
        for (int t = 0; t < Tokens; t++) weights[t] = random.NextSingle();
        float[] others = [.. values];
        Array.Fill(others, 1e30f, Tokens * Channels, (32 - Tokens) * Channels);
        var format = new QuantizedFormat(bits, 32, 8);
        using var block = new EncodedBlock(AttentionKernels.For((KernelPath)path), format, Channels, values, values, Tokens);
        using var other = new EncodedBlock(AttentionKernels.For((KernelPath)path), format, Channels, others, others, Tokens);
        Assert.Equal(block.Accumulate(weights, 32, 1, new float[Channels]), other.Accumulate(weights, 32, 1, new float[Channels]));
    }

    /// <summary>Blocks of random keys and values, and what they decode to.</summary>
    internal sealed record Strip(EncodedBlock[] Blocks, PlainQuantizer.Block[] Keys, PlainQuantizer.Block[] Values) : IDisposable
    {
        public void Dispose()
        {
            foreach (EncodedBlock block in Blocks) block.Dispose();
        }
    }

    internal static Strip NewStrip(Random random, AttentionKernels kernels, QuantizedFormat format, int channels, int count)
    {
        float[][] floats = [.. Enumerable.Range(0, count).Select(_ => Floats(random, channels * 32))];
        return new Strip(
            [.. floats.Select(x => new EncodedBlock(kernels, format, channels, x, x))],
            [.. floats.Select(x => PlainQuantizer.Keys(x, channels, 32, format))],
            [.. floats.Select(x => PlainQuantizer.Values(x, channels, 32, format with { Group = 32 }))]);
    }

    /// <summary>The size of the parts that a product really adds up, of which the decoded value may be a small difference.</summary>
    private static double Size(PlainQuantizer.Block parts, int i) => (double)parts.Codes[i] * parts.Scales[i] + Math.Abs(parts.Minima[i]);

    internal static float[] Floats(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];

    private static void Near(
        double expected, float actual, double absolute, (QuantizedFormat Format, int Channels, int Rows, int Row, int Column) at)
    {
        if (!(Math.Abs(expected - actual) <= Rounding * absolute))
            Assert.Fail($"{at}: {expected:r} expected, {actual:r} found, sum of absolute products {absolute:r}");
    }
}
