using Kvasir.Cli;
using Xunit;

namespace Kvasir.Tests;

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
}
