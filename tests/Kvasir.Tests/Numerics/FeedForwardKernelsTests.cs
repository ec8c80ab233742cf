using Kvasir.Numerics;

namespace Kvasir.Tests.Numerics;

[Trait("Category", "Kernels")]
public sealed unsafe class FeedForwardKernelsTests
{
    public static TheoryData<int> Paths => [.. KernelPaths.Supported.Select(path => (int)path)];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Activations_equal_their_formulas(int path)
    {
        FeedForwardKernels kernels = FeedForwardKernels.For((KernelPath)path);
        float[] x = [.. Enumerable.Range(0, 403).Select(i => (i - 200) * 0.1f), -1000, 1000], up = [.. x.Select((_, i) => 0.5f + i % 3)];
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            float[] gated = [.. x], plain = [.. x];
            fixed (float* g = gated, p = plain, u = up)
            {
                kernels.Gate(activation, g, u, x.Length);
                kernels.Gate(activation, p, null, x.Length);
            }
            for (int i = 0; i < x.Length; i++)
            {
                double expected = Formula(activation, x[i]), tolerance = 1e-6 + 3e-6 * Math.Abs(expected);
                Assert.Equal(expected, plain[i], tolerance);
                Assert.Equal(expected * up[i], gated[i], 4 * tolerance);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Soft_cap_is_a_scaled_tanh(int path)
    {
        float[] x = [.. Enumerable.Range(0, 101).Select(i => i - 50f)], capped = [.. x];
        fixed (float* c = capped) FeedForwardKernels.For((KernelPath)path).SoftCap(c, x.Length, 12);
        for (int i = 0; i < x.Length; i++) Assert.Equal(12 * Math.Tanh(x[i] / 12.0), capped[i], 1e-5);
    }

    private static double Formula(Activation activation, double x) => activation switch
    {
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.GeluQuick => x / (1 + Math.Exp(-1.702 * x)),
        Activation.GeluTanh => x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        _ => x / 2 * (1 + ErrorFunction(x / Math.Sqrt(2))),
    };

    /// <summary>erf as the integral it is, by Simpson's rule.</summary>
    private static double ErrorFunction(double x)
    {
        if (Math.Abs(x) > 7) return Math.Sign(x);
        const int steps = 2000;
        double h = x / steps, sum = 1 + Math.Exp(-x * x);
        for (int i = 1; i < steps; i++) sum += (i % 2 == 0 ? 2 : 4) * Math.Exp(-(i * h) * (i * h));
        return 2 / Math.Sqrt(Math.PI) * sum * h / 3;
    }
}
