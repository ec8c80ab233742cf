using Kvasir.Numerics;
using Kvasir.Quantization;
using Kvasir.Tests.Cache;
using Xunit;

namespace Kvasir.Tests.Quantization;

/// <summary>Scores and weighted sums straight from the codes against sums in double over the decoded values.</summary>
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
                    int rows = random.Next(1, 13), stride = 32 + random.Next(4) * 7;
                    float[] keys = Floats(random, channels * 32), queries = Floats(random, rows * channels);
                    PlainQuantizer.Block parts = PlainQuantizer.Keys(keys, channels, 32, format);
                    using var block = new EncodedBlock((KernelPath)path, format, channels, keys, keys);
                    float[] decoded = block.Decode().Keys, scores = block.Scores(queries, rows, stride);
                    for (int r = 0; r < rows; r++)
                        for (int t = 0; t < 32; t++)
                        {
                            double expected = 0, absolute = 0;
                            for (int c = 0; c < channels; c++)
                            {
                                expected += (double)queries[r * channels + c] * decoded[c * 32 + t];
                                absolute += Math.Abs(queries[r * channels + c]) * Size(parts, c * 32 + t);
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
                    int stride = 32 + random.Next(4) * 7;
                    float[] values = Floats(random, channels * 32), weights = Floats(random, rows * stride), start = Floats(random, rows * channels);
                    PlainQuantizer.Block parts = PlainQuantizer.Values(values, channels, 32, format);
                    using var block = new EncodedBlock((KernelPath)path, format, channels, values, values);
                    float[] decoded = block.Decode().Values, output = block.Accumulate(weights, stride, rows, start);
                    for (int r = 0; r < rows; r++)
                        for (int c = 0; c < channels; c++)
                        {
                            double expected = start[r * channels + c], absolute = Math.Abs(expected);
                            for (int t = 0; t < 32; t++)
                            {
                                expected += (double)weights[r * stride + t] * decoded[t * channels + c];
                                absolute += Math.Abs(weights[r * stride + t]) * Size(parts, t * channels + c);
                            }
                            Near(expected, output[r * channels + c], absolute, (format, channels, rows, r, c));
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
        using var block = new EncodedBlock((KernelPath)path, format, Channels, values, values, Tokens);
        using var other = new EncodedBlock((KernelPath)path, format, Channels, others, others, Tokens);
        Assert.Equal(block.Accumulate(weights, 32, 1, new float[Channels]), other.Accumulate(weights, 32, 1, new float[Channels]));
    }

    /// <summary>The size of the parts that a product really adds up, of which the decoded value may be a small difference.</summary>
    private static double Size(PlainQuantizer.Block parts, int i) => (double)parts.Codes[i] * parts.Scales[i] + Math.Abs(parts.Minima[i]);

    private static float[] Floats(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];

    private static void Near(double expected, float actual, double absolute, (QuantizedFormat Format, int Channels, int Rows, int Row, int Column) at)
    {
        if (!(Math.Abs(expected - actual) <= Rounding * absolute)) Assert.Fail($"{at}: {expected:r} expected, {actual:r} found, sum of absolute products {absolute:r}");
    }
}
