using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Reference;
using Kvasir.Tests.Cache;

namespace Kvasir.Tests.Models;

/// <summary>Steering in whole forward passes, held against one written out from the definition.</summary>
public sealed class SteeringModelTests : ReferenceComparison
{
    private const int Prompt = 50, Tokens = 60;

    private static readonly KvPolicy s_float32 = KvPolicy.Parse("k=f32,v=f32");

    private static readonly NaiveTransformer s_naive = (Llama with { Layers = 3, ScoreSoftCap = 0 }).WithRandomWeights(8);

    [Fact]
    public void Sequences_of_one_batch_are_steered_each_in_its_own_way_in_prefill_and_decode()
    {
        using Model model = Load();
        var random = new Random(9);
        int[] ids = Ids(s_naive, Tokens);
        SteeringPolicy?[] policies =
            [null, .. Enumerable.Range(0, 5)
                .Select(_ => NaiveSteering.Random(random, Prompt) with { Heads = [new(1, 0), new(1, 4), new(2, SteeredHead.All)] })];
        KvCache[] caches = [.. policies.Select(_ => model.NewCache(s_float32))];
        for (int i = 0; i < caches.Length; i++) caches[i].Steer(policies[i], Prompt);
        List<float>[] logits = [.. policies.Select(_ => new List<float>())];
        using var batch = new Batch();
        // The prompt in two passes, then token by token.
        foreach ((int first, int end) in (((int, int)[])[(0, 23), (23, Prompt)])
            .Concat(Enumerable.Range(Prompt, Tokens - Prompt).Select(at => (at, at + 1))))
        {
            batch.Clear();
            foreach (KvCache cache in caches) batch.Add(cache, ids.AsSpan(first, end - first), LogitRows.All);
            model.Forward(batch);
            for (int row = 0; row < batch.LogitRowCount; row++) logits[row / (end - first)].AddRange(batch.Logits(row));
        }
        double[] unsteered = Naive(null).Logits(ids);
        for (int i = 0; i < policies.Length; i++)
        {
            double[] expected = Naive(policies[i]).Logits(ids);
            Assert.InRange(Difference(expected, logits[i]), 0, Tolerance);
            if (i > 0 && policies[i]!.Mode != SteeringMode.Generation) Assert.True(Difference(unsteered, logits[i]) > 100 * Tolerance,
                $"{policies[i]} does nothing");
        }
        // Both are steered where the tokens are: the same without steering is not what was found.
        foreach (KvCache cache in caches) cache.Dispose();
    }

    [Fact]
    public void Up_to_the_first_difference_keys_and_values_are_those_of_an_unsteered_sequence_bit_for_bit()
    {
        using Model model = Load();
        int[] ids = Ids(s_naive, Tokens);
        SteeringPolicy policy = KvPolicy.Parse("steer=20:30@all").Steering!;
        using KvCache plain = model.NewCache(s_float32), steered = model.NewCache(s_float32);
        steered.Steer(policy, Prompt);
        float[] expected = Run(model, plain, ids[..20]), actual = Run(model, steered, ids[..20]);
        Assert.Equal(expected, actual);
        Assert.Equal(20, steered.Steering!.UnsteeredTokens);
        // Behind it they are not, so a mistake about where that is would show.
        Assert.NotEqual(Run(model, plain, ids[20..22])[^s_naive.Vocabulary..], Run(model, steered, ids[20..22])[^s_naive.Vocabulary..]);
    }

    [Fact]
    public void Attention_statistics_of_steered_heads_are_of_the_steered_weights()
    {
        using Model model = Load();
        int[] ids = Ids(s_naive, Tokens);
        SteeringPolicy policy = KvPolicy.Parse("steer=20:30@all*0.05").Steering!;
        using KvCache cache = model.NewCache(s_float32);
        cache.Steer(policy, Prompt);
        Run(model, cache, ids[..Prompt]);
        cache.Seal();
        AttentionStatistics received = model.AttentionReceived(cache, ids.AsSpan(Prompt), 10, 30);
        var expected = new double[s_naive.Layers, s_naive.KvHeads, 30];
        (Naive(policy) with
        {
            Observe = (layer, head, position, weights) =>
            {
                for (int i = 0; position >= Prompt && i < 30; i++)
                {
                    ref double most = ref expected[layer, head / (s_naive.Heads / s_naive.KvHeads), i];
                    most = Math.Max(most, weights[10 + i]);
                }
            },
        }).Logits(ids);
        for (int layer = 0; layer < s_naive.Layers; layer++)
            for (int head = 0; head < s_naive.KvHeads; head++)
                for (int i = 0; i < 30; i++) Assert.Equal(expected[layer, head, i], received[layer].Of(Observations.Largest, head)[i],
                    Tolerance);
    }

    [Theory]
    [InlineData("steer=0:5@3", "head 3;")]
    [InlineData("steer=0:5@0.6", "head 0.6;")]
    [InlineData("steer=0:5", "Prepare")]
    public void Heads_that_the_model_does_not_have_are_refused(string policy, string named)
    {
        using Model model = Load();
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => model.NewCache(KvPolicy.Parse(policy))).Message,
            StringComparison.Ordinal);
    }

    private static float[] Run(Model model, KvCache cache, int[] ids)
    {
        using var batch = new Batch();
        batch.Add(cache, ids, LogitRows.All);
        model.Forward(batch);
        return [.. Enumerable.Range(0, batch.LogitRowCount).SelectMany(row => batch.Logits(row).ToArray())];
    }

    private static NaiveTransformer Naive(SteeringPolicy? policy) => policy is null ? s_naive : s_naive with
    {
        ScoreBias = (layer, head, key) => NaiveSteering.IsSteered(policy, layer, head) ? NaiveSteering.Bias(policy, Prompt, key) : 0,
    };

    private static double Difference(double[] expected, List<float> actual) => expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();

    private Model Load() => TinyHfModel.Load(s_naive, _folder, "llama", """{"rope_theta": 10000.0, "max_position_embeddings": 256}""");
}
