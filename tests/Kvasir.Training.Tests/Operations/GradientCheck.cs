namespace Kvasir.Training.Tests.Operations;

/// <summary>Gradients by central differences in float64 of an operation written out with plain loops.</summary>
internal static class GradientCheck
{
    private const double Step = 1e-5;

    public static float[] Random(int count, int seed, double spread = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(spread * (2 * random.NextDouble() - 1)))];
    }

    public static double[] Doubles(float[] values) => [.. values.Select(value => (double)value)];

    /// <summary>The sum of an operation's output, each value weighted by what its gradient is to be.</summary>
    public static double Weighted(double[] output, float[] gradient) => output.Zip(gradient, (y, g) => y * g).Sum();

    /// <summary>The gradient of <paramref name="loss"/> at <paramref name="x"/>.</summary>
    public static double[] Numeric(float[] x, Func<double[], double> loss)
    {
        double[] at = Doubles(x), gradient = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            double value = at[i];
            at[i] = value + Step;
            double above = loss(at);
            at[i] = value - Step;
            gradient[i] = (above - loss(at)) / (2 * Step);
            at[i] = value;
        }
        return gradient;
    }

    public static void Close(double[] expected, float[] actual, double tolerance = 2e-5)
    {
        Assert.Equal(expected.Length, actual.Length);
        double size = Math.Max(1, expected.Max(Math.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * size, $"at {i}: {actual[i]} where {expected[i]} is right");
    }
}
