using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>
/// Sums over the attention of a prompt, held against the weights of a forward pass written out from the definition: with a soft cap,
/// windows, grouped heads, and a
/// prompt that spans several slices and passes.
/// </summary>
public sealed class AttentionStatisticsTests : ReferenceComparison
{
    private const int Window = 40, First = 9, Part = 600, Recent = 5, Local = 30;
    private const double SoftCap = 1.5;

    private static readonly KvPolicy s_float32 = KvPolicy.Parse("k=f32,v=f32");

    [Fact]
    public void Sums_are_those_of_the_definition()
    {
        NaiveTransformer naive = Capped();
        int[] ids = Ids(Llama, First + Part);
        var expected = Enumerable.Range(0, naive.Layers * naive.Heads).Select(_ => new double[3, Part]).ToArray();
        var largest = Enumerable.Range(0, naive.Layers * naive.KvHeads).Select(_ => new double[Part]).ToArray();
        NaiveTransformer observed = naive with
        {
            Observe = (layer, head, position, weights) =>
            {
                if (position < First) return;
                double[,] sums = expected[layer * naive.Heads + head];
                for (int token = 0; First + token <= position; token++)
                {
                    double weight = weights[First + token];
                    sums[0, token] += weight;
                    if (position >= ids.Length - Recent) sums[1, token] += weight;
                    if (First + token > position - Local) sums[2, token] += weight;
                    ref double most = ref largest[layer * naive.KvHeads + head / (naive.Heads / naive.KvHeads)][token];
                    most = Math.Max(most, weight);
                }
            },
        };
        observed.Logits(ids);
        using Model model = Load(naive, ids.Length);
        AttentionStatistics actual = Observe(model, ids, [500, 109]);
        for (int layer = 0; layer < naive.Layers; layer++)
        {
            for (int head = 0; head < naive.Heads; head++)
            {
                double[,] sums = expected[layer * naive.Heads + head];
                Assert.InRange(Far(actual[layer].Of(Observations.Sums, head), token => sums[0, token]), 0, 1e-3);
                Assert.InRange(Far(actual[layer].Of(Observations.Recent, head), token => sums[1, token]), 0, Tolerance);
                Assert.InRange(Far(actual[layer].Of(Observations.Local, head), token => sums[2, token]), 0, 1e-3);
            }
            for (int head = 0; head < naive.KvHeads; head++) Assert.InRange(Far(actual[layer].Of(Observations.Largest, head), token =>
                largest[layer * naive.KvHeads + head][token]), 0, Tolerance);
        }
    }

    [Theory]
    [InlineData("k=kivi2,v=kivi2")]
    [InlineData("k=f16,v=f16")]
    public void Every_query_gives_weights_that_sum_to_one_over_a_past_in_any_codec(string policy)
    {
        NaiveTransformer naive = Llama;
        int[] ids = Ids(naive, 200);
        using Model model = LoadLlama(naive);
        using KvCache cache = model.NewCache(KvPolicy.Parse(policy));
        Feed(model, cache, ids.AsSpan(0, 150));
        cache.Observed = new AttentionStatistics(model.CacheLayout, new ObservedAttention(Observations.Sums), 0, ids.Length, ids.Length,
            150);
        Feed(model, cache, ids.AsSpan(150));
        for (int layer = 0; layer < naive.Layers; layer++)
            for (int head = 0; head < naive.Heads; head++) Assert.Equal(50, cache.Observed[layer].Of(Observations.Sums, head).ToArray()
                .Sum(), 1e-2);
    }

    [Fact]
    public void Repaired_tokens_get_the_attention_in_place_of_the_stored_ones()
    {
        NaiveTransformer naive = Llama;
        int[] ids = Ids(naive, 120);
        using Model model = LoadLlama(naive);
        using KvCache whole = model.NewCache(s_float32), repaired = model.NewCache(s_float32);
        foreach (KvCache cache in new[] { whole, repaired })
        {
            Feed(model, cache, ids.AsSpan(0, 90));
            cache.Seal();
        }
        int[] positions = [.. Enumerable.Range(3, 40).Where(position => position % 3 != 0)];
        model.Repair(repaired, positions, [.. positions.Select(position => ids[position])]);
        foreach (KvCache cache in new[] { whole, repaired })
        {
            cache.Observed = new AttentionStatistics(model.CacheLayout, new ObservedAttention(Observations.Sums), 0, ids.Length,
                ids.Length, 90);
            Feed(model, cache, ids.AsSpan(90));
        }
        for (int head = 0; head < naive.Heads; head++)
        {
            float[] expected = whole.Observed![1].Of(Observations.Sums, head).ToArray();
            Assert.InRange(Far(repaired.Observed![1].Of(Observations.Sums, head), token => expected[token]), 0, Tolerance);
        }
    }

    [Fact]
    public void A_pass_that_is_taken_back_leaves_the_sums_as_they_were()
    {
        NaiveTransformer naive = Llama;
        int[] ids = Ids(naive, 60);
        using Model model = LoadLlama(naive);
        using KvCache cache = model.NewCache(s_float32);
        cache.Observed = new AttentionStatistics(model.CacheLayout, new ObservedAttention(Observations.Sums), 0, ids.Length, ids.Length, 0);
        Feed(model, cache, ids.AsSpan(0, 20));
        float[] before = cache.Observed[0].Of(Observations.Sums, 0).ToArray();
        using (cache.BeginStep(5)) cache.Observed[0].Of(Observations.Sums, 0).Fill(7);
        Assert.Equal(before, cache.Observed[0].Of(Observations.Sums, 0).ToArray());
    }

    private static AttentionStatistics Observe(Model model, int[] ids, int[] passes)
    {
        using KvCache cache = model.NewCache(s_float32);
        Feed(model, cache, ids.AsSpan(0, First));
        cache.Seal();
        cache.Observed = new AttentionStatistics(model.CacheLayout,
            new ObservedAttention(Observations.Sums | Observations.Largest | Observations.Recent | Observations.Local, Recent, Local),
                First, Part, ids.Length, First);
        int at = First;
        foreach (int pass in passes) Feed(model, cache, ids.AsSpan(at, Math.Min(pass, ids.Length - at)), ref at);
        return cache.Observed;
    }

    private static void Feed(Model model, KvCache cache, ReadOnlySpan<int> ids, ref int at)
    {
        Feed(model, cache, ids);
        at += ids.Length;
    }

    private static void Feed(Model model, KvCache cache, ReadOnlySpan<int> ids)
    {
        using var batch = new Batch();
        batch.Add(cache, ids);
        model.Forward(batch);
    }

    private static double Far(Span<float> actual, Func<int, double> expected)
    {
        double most = 0;
        for (int i = 0; i < actual.Length; i++) most = Math.Max(most, Math.Abs(actual[i] - expected(i)));
        return most;
    }

    private static NaiveTransformer Capped() => Gemma2(2, Window, SoftCap);

    private Model LoadLlama(NaiveTransformer naive) =>
        TinyHfModel.Load(naive, _folder, "llama", """{"max_position_embeddings": 256, "rope_theta": 10000.0, "hidden_act": "silu"}""");

    private Model Load(NaiveTransformer naive, int context) => LoadGemma2(naive, Window, SoftCap, context);
}
