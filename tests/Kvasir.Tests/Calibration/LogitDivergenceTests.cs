using Kvasir.Calibration;

namespace Kvasir.Tests.Calibration;

public sealed class LogitDivergenceTests
{
    [Theory]
    [InlineData(1e-4)]
    [InlineData(1e-2)]
    [InlineData(1)]
    [InlineData(10)]
    public void Divergence_is_as_defined(double noise)
    {
        var random = new Random(3);
        float[] exact = [.. Enumerable.Range(0, 1003).Select(_ => (float)(8 * random.NextDouble() - 4))];
        float[] moved = [.. exact.Select(logit => (float)(logit + noise * (random.NextDouble() - 0.5) + 3))];
        double[] p = Softmax(exact), q = Softmax(moved);
        double expected = p.Zip(q).Sum(pair => pair.First * Math.Log(pair.First / pair.Second));
        double found = new LogitDivergence([exact]).At(0, moved);
        Assert.InRange(found, expected * 0.999 - 5e-7, expected * 1.001 + 5e-7);
    }

    [Fact]
    public void Nothing_moved_is_no_divergence() =>
        Assert.Equal(0, new LogitDivergence([[1f, 2f, 3f]]).At(0, new float[] { 4f, 5f, 6f }), 1e-6);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.PositiveInfinity)]
    public void What_is_no_distribution_counts_as_the_largest(float logit) =>
        Assert.Equal(LogitDivergence.Largest, new LogitDivergence([[1f, 2f]]).At(0, new float[] { logit, 0 }));

    private static double[] Softmax(float[] logits)
    {
        double total = logits.Sum(logit => Math.Exp(logit));
        return [.. logits.Select(logit => Math.Exp(logit) / total)];
    }
}
