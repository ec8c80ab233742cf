namespace Kvasir.Cli.Tests;

public class LikelihoodTests
{
    [Fact]
    public void Largest_are_those_of_a_full_sort()
    {
        var random = new Random(2);
        for (int round = 0; round < 50; round++)
        {
            float[] logits = [.. Enumerable.Range(0, random.Next(1, 200)).Select(_ => (float)random.Next(-40, 40))];
            int[] expected = [.. Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).ThenBy(id => id).Take(20)];
            (int[] ids, float[] top) = Likelihood.Largest(logits, 20);
            Assert.Equal(expected, ids);
            Assert.Equal(expected.Select(id => logits[id]), top);
        }
    }

    [Fact]
    public void Probabilities_of_all_ids_sum_to_one()
    {
        float[] logits = [1000, 999, 998.5f, -1000];
        Assert.Equal(1, Enumerable.Range(0, logits.Length).Sum(id => Math.Exp(-Likelihood.NegativeLog(logits, id))), 1e-9);
    }

    [Fact]
    public void Divergence_is_that_of_its_formula()
    {
        float[] p = [MathF.Log(0.5f), MathF.Log(0.25f), MathF.Log(0.25f)], q = [7, 7, 7];
        double expected = 0.5 * Math.Log(0.5 * 3) + 2 * 0.25 * Math.Log(0.25 * 3);
        Assert.Equal(expected, Likelihood.Divergence(p, Likelihood.LogSumExp(p), q, Likelihood.LogSumExp(q)), 1e-6);
        Assert.Equal(0, Likelihood.Divergence(p, Likelihood.LogSumExp(p), p, Likelihood.LogSumExp(p)));
    }
}
