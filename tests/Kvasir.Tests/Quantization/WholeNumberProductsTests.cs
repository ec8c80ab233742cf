using Kvasir.Numerics;
using Kvasir.Quantization;
using Kvasir.Tests.Cache;

namespace Kvasir.Tests.Quantization;

/// <summary>
/// The kernels that models use may round the left side, with scales folded in, to int8 per row and block. The error that this may make
/// is known: each of its products is off by at most half a step times the code's distance from the middle, and as independent roundings are
/// on the whole.
/// </summary>
[Trait("Category", "Kernels")]
public sealed class WholeNumberProductsTests
{
    /// <summary>What rounding to float may cost beside it, relative to the sum of the absolute products.</summary>
    private const double FloatRounding = 1e-5;

    public static TheoryData<int, int> PathsAndBits => QuantizedProductsTests.PathsAndBits;

    [Theory]
    [MemberData(nameof(PathsAndBits))]
    public void Scores_are_off_by_rounding_to_int8_at_most(int path, int bits)
    {
        var random = new Random(bits);
        var errors = new Errors();
        foreach ((QuantizedFormat format, int channels) in Shapes(bits, [16, 32]))
        {
            int rows = random.Next(1, 13), count = random.Next(1, 9), width = 32 * count, stride = width + random.Next(3) * 16;
            float[] queries = QuantizedProductsTests.Floats(random, rows * channels);
            using QuantizedProductsTests.Strip strip =
                QuantizedProductsTests.NewStrip(random, AttentionKernels.For((KernelPath)path, exact: false), format, channels, count);
            float[] scores = EncodedBlock.Scores(strip.Blocks, queries, rows, stride);
            for (int r = 0; r < rows; r++)
                for (int b = 0; b < count; b++)
                {
                    PlainQuantizer.Block keys = strip.Keys[b];
                    double step = Enumerable.Range(0, channels * 32)
                        .Max(i => Math.Abs(queries[r * channels + i / 32] * keys.Scales[i])) / 127;
                    for (int t = 0; t < 32; t++)
                    {
                        var sum = new Sum();
                        for (int c = 0; c < channels; c++) sum.Add(queries[r * channels + c], keys, c * 32 + t, step, format.Levels / 2.0);
                        errors.Add(sum, scores[r * stride + b * 32 + t], (format, channels, rows, r, b * 32 + t));
                    }
                }
        }
        errors.Check();
    }

    [Theory]
    [MemberData(nameof(PathsAndBits))]
    public void Weighted_sums_are_off_by_rounding_to_int8_at_most(int path, int bits)
    {
        var random = new Random(bits);
        var errors = new Errors();
        foreach ((QuantizedFormat format, int channels) in Shapes(bits, [32]))
        {
            int rows = random.Next(1, 13), count = random.Next(1, 9), stride = 32 * count + random.Next(3) * 16;
            float[] weights = [.. QuantizedProductsTests.Floats(random, rows * stride).Select(x => MathF.Exp(4 * x))],
                start = QuantizedProductsTests.Floats(random, rows * channels);
            using QuantizedProductsTests.Strip strip =
                QuantizedProductsTests.NewStrip(random, AttentionKernels.For((KernelPath)path, exact: false), format, channels, count);
            float[] output = EncodedBlock.Accumulate(strip.Blocks, weights, stride, rows, start);
            for (int r = 0; r < rows; r++)
            {
                double[] steps =
                    [.. strip.Values.Select((values, b) =>
                        Enumerable.Range(0, 32 * channels)
                        .Max(i => Math.Abs(weights[r * stride + b * 32 + i / channels] * values.Scales[i])) / 127)];
                for (int c = 0; c < channels; c++)
                {
                    var sum = new Sum { Expected = start[r * channels + c], Absolute = Math.Abs(start[r * channels + c]) };
                    for (int t = 0; t < 32 * count; t++)
                        sum.Add(weights[r * stride + t], strip.Values[t / 32], t % 32 * channels + c, steps[t / 32], format.Levels / 2.0);
                    errors.Add(sum, output[r * channels + c], (format, channels, rows, r, c));
                }
            }
        }
        errors.Check();
    }

    private static IEnumerable<(QuantizedFormat Format, int Channels)> Shapes(int bits, int[] groups) =>
        from @group in groups
        from scaleBits in new[] { 8, 16, 32 }
        from channels in new[] { 64, 80, 96, 128, 256,
            33 }
        select (new QuantizedFormat(bits, @group, scaleBits), channels);

    /// <summary>A sum of products in double, with what int8 rounding may change in it.</summary>
    private sealed class Sum
    {
        public double Expected { get; set; }

        public double Absolute { get; set; }

        /// <summary>The most that it may be off.</summary>
        public double Bound { get; private set; }

        /// <summary>The square of what it is off by on average.</summary>
        public double Variance { get; private set; }

        public void Add(float left, PlainQuantizer.Block block, int i, double step, double middle)
        {
            Expected += (double)left * block.Values[i];
            Absolute += Math.Abs(left) * ((double)block.Codes[i] * block.Scales[i] + Math.Abs(block.Minima[i]));
            double distance = block.Codes[i] - middle;
            Bound += step / 2 * Math.Abs(distance);
            Variance += step * step / 12 * distance * distance;
        }
    }

    /// <summary>
    /// Errors of many sums. Those of one row have their roundings in common, so only the mean over many rows says something.
    /// </summary>
    private sealed class Errors
    {
        private double _ratios;
        private int _count;

        public void Add(Sum sum, float actual, (QuantizedFormat Format, int Channels, int Rows, int Row, int Column) at)
        {
            double error = actual - sum.Expected;
            if (!(Math.Abs(error) <= 1.001 * sum.Bound + FloatRounding * sum.Absolute))
                Assert.Fail($"{at}: {sum.Expected:r} expected, {actual:r} found, at most {sum.Bound:r} off");
            if (sum.Variance == 0) return;
            _ratios += error * error / sum.Variance;
            _count++;
        }

        public void Check() => Assert.True(_ratios <= 1.3 * _count, $"mean squared error {_ratios / _count} times what rounding makes");
    }
}
