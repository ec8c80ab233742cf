using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>
/// Attention statistics, and the thinning that follows from them, held against the weights of a forward pass written out from the
/// definition: with a soft cap, with a window on every other layer, and several query heads for one kv head.
/// </summary>
public sealed class ReceivedAttentionTests : ReferenceComparison
{
    private const int Window = 16, First = 9, Part = 70, Probe = 21;
    private const double SoftCap = 1.5, Noticeable = 0.02;

    private static readonly KvPolicy s_float32 = KvPolicy.Parse("k=f32,v=f32");

    [Fact]
    public void Most_attention_received_is_that_of_the_definition()
    {
        NaiveTransformer naive = Gemma2();
        double[,][] expected = MostReceived(naive);
        using Model model = Load(naive);
        using KvCache cache = Filled(model);
        AttentionStatistics received = model.AttentionReceived(cache, Ids().AsSpan(First + Part), First, Part);
        double largest = 0, uncapped = 0, unwindowed = 0;
        double[,][] withoutCap = MostReceived(naive with { ScoreSoftCap = 0 }),
            withoutWindow = MostReceived(naive with { WindowOf = _ => int.MaxValue });
        for (int layer = 0; layer < naive.Layers; layer++)
            for (int head = 0; head < naive.KvHeads; head++)
            {
                float[] actual = received[layer].Of(Observations.Largest, head).ToArray();
                largest = Math.Max(largest, Difference(expected[layer, head], actual));
                uncapped = Math.Max(uncapped, Difference(withoutCap[layer, head], actual));
                unwindowed = Math.Max(unwindowed, Difference(withoutWindow[layer, head], actual));
            }
        Assert.InRange(largest, 0, Tolerance);
        Assert.True(Math.Min(uncapped, unwindowed) > Noticeable, $"without soft cap {uncapped}, without window {unwindowed}");
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void Thinning_keeps_the_most_attended_tokens_of_each_head(double share)
    {
        NaiveTransformer naive = Gemma2();
        double[,][] scores = MostReceived(naive);
        using Model model = Load(naive);
        using KvCache cache = Filled(model);
        using KvCache thinned = model.Prune(cache, First, Ids().AsSpan(First + Part), share, s_float32);
        for (int layer = 0; layer < naive.Layers; layer++)
            for (int head = 0; head < naive.KvHeads; head++)
            {
                int[] kept = [.. Assert.Single(thinned.Layers[layer].Heads[head].Segments).Kept!.Positions.ToArray()
                    .Select(position => (int)position)];
                Assert.Equal((int)Math.Ceiling(Part * share), kept.Length);
                double leastKept = kept.Min(token => scores[layer, head][token]);
                double mostLeft = Enumerable.Range(0, Part).Except(kept).Max(token => scores[layer, head][token]);
                Assert.True(leastKept >= mostLeft - Tolerance, $"layer {layer}, head {head}: kept {leastKept}, left {mostLeft}");
            }
    }

    /// <summary>By layer and kv head: the largest weight that each token of the part gets from any query of the probe.</summary>
    private static double[,][] MostReceived(NaiveTransformer naive)
    {
        var most = new double[naive.Layers, naive.KvHeads][];
        for (int layer = 0; layer < naive.Layers; layer++)
            for (int head = 0; head < naive.KvHeads; head++) most[layer, head] = new double[Part];
        NaiveTransformer observed = naive with
        {
            Observe = (layer, queryHead, position, weights) =>
            {
                if (position < First + Part) return;
                double[] of = most[layer, queryHead / (naive.Heads / naive.KvHeads)];
                for (int token = 0; token < Part; token++) of[token] = Math.Max(of[token], weights[First + token]);
            },
        };
        observed.Logits(Ids());
        return most;
    }

    private static NaiveTransformer Gemma2() => Gemma2(4, Window, SoftCap);

    private Model Load(NaiveTransformer naive) => LoadGemma2(naive, Window, SoftCap);

    private static KvCache Filled(Model model)
    {
        KvCache cache = model.NewCache(s_float32);
        using var batch = new Batch();
        batch.Add(cache, Ids().AsSpan(0, First));
        model.Forward(batch);
        cache.Seal();
        batch.Clear();
        batch.Add(cache, Ids().AsSpan(First, Part));
        model.Forward(batch);
        cache.Seal();
        return cache;
    }

    private static int[] Ids() => Ids(Llama, First + Part + Probe);
}
