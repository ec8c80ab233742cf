using Kvasir.Generation;

namespace Kvasir.Tests.Generation;

public class SamplerTests
{
    private static readonly float[] Small = [1.0f, 3.0f, 2.0f, 0.0f, -1.0f];

    [Fact]
    public void Temperature_zero_takes_the_largest_logit() => Assert.Equal(1, new Sampler(new SamplerOptions()).Sample([.. Small]));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Not_a_number_is_never_chosen(float temperature)
    {
        var sampler = new Sampler(new SamplerOptions { Temperature = temperature, Seed = 1 });
        for (int draw = 0; draw < 200; draw++) Assert.Equal(2, sampler.Sample([float.NaN, float.NegativeInfinity, 0.5f, float.NaN]));
    }

    [Fact]
    public void Positive_infinity_is_chosen() =>
        Assert.Equal(2, new Sampler(new SamplerOptions { Temperature = 1 }).Sample([5, float.NaN, float.PositiveInfinity, 7]));

    [Fact]
    public void Logits_without_a_number_are_an_error() =>
        Assert.Throws<InvalidOperationException>(() => new Sampler(new SamplerOptions()).Sample([float.NaN, float.NegativeInfinity]));

    [Theory]
    [InlineData(0, 1f, 0f)]
    [InlineData(3, 1f, 0f)]
    [InlineData(0, 0.8f, 0f)]
    [InlineData(0, 1f, 0.2f)]
    [InlineData(4, 0.9f, 0.1f)]
    [InlineData(0, 0.97f, 0.01f)]
    public void Draws_follow_the_distribution_of_a_full_sort(int topK, float topP, float minP)
    {
        var random = new Random(7);
        float[] logits = [.. Enumerable.Range(0, 300).Select(_ => (float)(random.NextDouble() * 8))];
        double[] expected = Oracle(logits, 0.7, topK, topP, minP);
        var sampler = new Sampler(new SamplerOptions { Temperature = 0.7f, TopK = topK, TopP = topP, MinP = minP, Seed = 3 });
        var counts = new int[logits.Length];
        const int Draws = 40000;
        for (int draw = 0; draw < Draws; draw++) counts[sampler.Sample([.. logits])]++;
        for (int id = 0; id < logits.Length; id++)
        {
            if (expected[id] == 0) Assert.Equal(0, counts[id]);
            double tolerance = 5 * Math.Sqrt(expected[id] * (1 - expected[id]) / Draws) + 1e-4;
            Assert.InRange(counts[id] / (double)Draws, expected[id] - tolerance, expected[id] + tolerance);
        }
    }

    [Fact]
    public void Same_seed_gives_the_same_tokens()
    {
        int[] Draw(ulong seed)
        {
            var sampler = new Sampler(new SamplerOptions { Temperature = 2, TopP = 0.95f, Seed = seed });
            return [.. Enumerable.Range(0, 50).Select(_ => sampler.Sample([.. Small]))];
        }

        Assert.Equal(Draw(11), Draw(11));
        Assert.NotEqual(Draw(11), Draw(12));
    }

    [Fact]
    public void Repetition_penalty_counts_each_recent_token_once()
    {
        var sampler = new Sampler(new SamplerOptions { RepeatPenalty = 2, RepeatWindow = 3 });
        float[] logits = [4, 3.9f, -1, 0];
        Assert.Equal(1, sampler.Sample(logits, [1, 0, 0, 2]));
        Assert.Equal([2f, 3.9f, -2f, 0f], logits);
    }

    [Theory]
    [InlineData(0.8f, 40, 0.95f, 0.05f)]
    [InlineData(1f, 0, 0.9f, 0f)]
    [InlineData(1f, 0, 1f, 0.1f)]
    [InlineData(0f, 0, 1f, 0f)]
    public void Sampling_allocates_nothing(float temperature, int topK, float topP, float minP)
    {
        var sampler = new Sampler(
            new SamplerOptions { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP, RepeatPenalty = 1.1f, Seed = 5 });
        var random = new Random(1);
        float[] logits = [.. Enumerable.Range(0, 49152).Select(_ => (float)(random.NextDouble() * 10))];
        float[] copy = [.. logits];
        int[] history = [.. Enumerable.Range(0, 100)];
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (int draw = 0; draw < 20; draw++)
            {
                logits.CopyTo(copy, 0);
                sampler.Sample(copy, history);
            }
        }));
    }

    [Theory]
    [InlineData(-1f, 0, 1f, 0f, 1f)]
    [InlineData(float.NaN, 0, 1f, 0f, 1f)]
    [InlineData(1f, -1, 1f, 0f, 1f)]
    [InlineData(1f, 0, 0f, 0f, 1f)]
    [InlineData(1f, 0, 1.1f, 0f, 1f)]
    [InlineData(1f, 0, 1f, 2f, 1f)]
    [InlineData(1f, 0, 1f, 0f, 0f)]
    public void Options_out_of_range_are_refused(float temperature, int topK, float topP, float minP, float penalty) =>
        Assert.Throws<InvalidInputException>(() =>
            new Sampler(new SamplerOptions { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP, RepeatPenalty = penalty }));

    private static double[] Oracle(float[] logits, double temperature, int topK, double topP, double minP)
    {
        var sorted = logits.Select((logit, id) => (Weight: Math.Exp(logit / temperature), Id: id)).OrderByDescending(pair => pair.Weight)
            .ToList();
        if (topK > 0) sorted = [.. sorted.Take(topK)];
        double total = sorted.Sum(pair => pair.Weight);
        double sum = 0;
        var kept = new List<(double Weight, int Id)>();
        foreach ((double weight, int id) in sorted)
        {
            if (kept.Count > 0 && (sum >= topP * total || weight < minP * sorted[0].Weight)) break;
            kept.Add((weight, id));
            sum += weight;
        }

        var probabilities = new double[logits.Length];
        foreach ((double weight, int id) in kept) probabilities[id] = weight / sum;
        return probabilities;
    }
}
