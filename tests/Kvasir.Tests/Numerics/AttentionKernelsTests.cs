using Kvasir.Numerics;

namespace Kvasir.Tests.Numerics;

[Trait("Category", "Kernels")]
public sealed unsafe class AttentionKernelsTests
{
    public static TheoryData<int> Paths => [.. KernelPaths.Supported.Select(path => (int)path)];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Products_equal_plain_loops(int path)
    {
        AttentionKernels kernels = AttentionKernels.For((KernelPath)path);
        var random = new Random(1);
        for (int round = 0; round < 60; round++)
        {
            int rows = random.Next(1, 12), inner = random.Next(1, 70), columns = random.Next(1, 100), stride = columns + random.Next(3);
            float[] left = Floats(random, rows * inner), start = Floats(random, rows * stride);
            ushort[] halves = [.. Floats(random, inner * columns).Select(x => BitConverter.HalfToUInt16Bits((Half)x))];
            float[] right = [.. halves.Select(half => (float)BitConverter.UInt16BitsToHalf(half))];
            bool accumulate = round % 2 == 0;
            float[] result = [.. start], fromHalves = [.. start];
            fixed (float* l = left, r = right, o = result, h = fromHalves)
            fixed (ushort* b = halves)
            {
                kernels.Multiply(new(l, inner), r, rows, inner, columns, new(o, stride), accumulate);
                kernels.MultiplyHalf(new(l, inner), b, rows, inner, columns, new(h, stride), accumulate, ahead: null);
            }
            for (int i = 0; i < rows; i++)
                for (int n = 0; n < columns; n++)
                {
                    double expected = accumulate ? start[i * stride + n] : 0;
                    for (int k = 0; k < inner; k++) expected += (double)left[i * inner + k] * right[k * columns + n];
                    Assert.Equal(expected, result[i * stride + n], 1e-4);
                    Assert.Equal(expected, fromHalves[i * stride + n], 1e-4);
                }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_finite_half_widens_exactly(int path)
    {
        ushort[] halves = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits).Where(bits => (bits & 0x7C00) != 0x7C00)];
        float[] widened = new float[halves.Length];
        fixed (ushort* source = halves)
        fixed (float* destination = widened) AttentionKernels.For((KernelPath)path).Widen(source, destination, halves.Length);
        Assert.Equal(halves.Select(bits => (float)BitConverter.UInt16BitsToHalf(bits)), widened);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Softmax_in_steps_equals_softmax_at_once(int path)
    {
        AttentionKernels kernels = AttentionKernels.For((KernelPath)path);
        var random = new Random(2);
        float[] scores = [.. Floats(random, 133).Select(x => 30 * x)];
        scores[40] = float.NegativeInfinity;
        double highest = scores.Max(), total = scores.Sum(x => Math.Exp(x - highest));
        float maximum = float.NegativeInfinity, sum = 0;
        float[] weights = [.. scores];
        float[] factors = new float[4];
        int[] borders = [0, 7, 64, 96, 133];
        fixed (float* w = weights)
            for (int step = 0; step < 4; step++)
            {
                factors[step] = kernels.Softmax(w + borders[step], borders[step + 1] - borders[step], ref maximum, ref sum);
                for (int i = 0; i < borders[step]; i++) weights[i] *= factors[step];
            }
        for (int i = 0; i < scores.Length; i++) Assert.Equal(Math.Exp(scores[i] - highest) / total, weights[i] / sum, 1e-6);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Scores_that_are_all_masked_change_nothing(int path)
    {
        float[] scores = [.. Enumerable.Repeat(float.NegativeInfinity, 40)];
        float maximum = float.NegativeInfinity, sum = 0;
        fixed (float* s = scores) Assert.Equal(1, AttentionKernels.For((KernelPath)path).Softmax(s, 40, ref maximum, ref sum));
        Assert.Equal((float.NegativeInfinity, 0f), (maximum, sum));
        Assert.All(scores, weight => Assert.Equal(0, weight));
    }

    private static float[] Floats(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1))];
}
