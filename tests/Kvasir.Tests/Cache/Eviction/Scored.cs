using Kvasir.Cache;
using Kvasir.Cache.Eviction;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache.Eviction;

/// <summary>Layers as scores see them, from arrays and random numbers.</summary>
internal static class Scored
{
    /// <summary>A layer with everything that can be observed of <paramref name="maps"/>, weights by query head, query and key.</summary>
    public static ScoredLayer Layer(
        int tokens, int kvHeads, int group, int channels = 8, double[][][]? maps = null, Func<int, float[]>? keys = null,
        Func<int, float[]>? values = null, int recentRows = 0, int localTokens = 0,
        Func<int, float[]>? outputGram = null)
    {
        var layout = new LayerLayout(kvHeads, channels, channels, int.MaxValue, null) { Group = group };
        AttentionKernels kernels = AttentionKernels.For(KernelPath.Vector128);
        var model = new KvLayout([layout], kernels, () => "m", () => "t");
        var what = new ObservedAttention(
            Observations.Sums | Observations.Largest | Observations.Recent | Observations.Local | Observations.Queries
            | Observations.Contributions, recentRows,
                localTokens);
        var statistics = new AttentionStatistics(model, what, 0, tokens, tokens, 0);
        for (int head = 0; maps is not null && head < maps.Length; head++)
            for (int query = 0; query < tokens; query++)
                statistics[0].Add(head / group, head % group, query, [.. maps[head][query].Select(weight => (float)weight)], 0);
        return new ScoredLayer
        {
            Layout = layout,
            Count = tokens,
            Attention = statistics[0],
            Again = statistics[0],
            Kernels = kernels,
            Keys = keys ?? (_ => []),
            Values = values ?? (_ => []),
            OutputGram = outputGram ?? (_ => []),
        };
    }

    /// <summary>Causal weights that sum to 1, [heads][queries][keys up to the query].</summary>
    public static double[][][] Maps(int heads, int tokens, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, heads).Select(_ => Enumerable.Range(0, tokens).Select(query =>
        {
            double[] raw = [.. Enumerable.Range(0, query + 1).Select(_ => Math.Exp(4 * random.NextDouble()))];
            return raw.Select(weight => weight / raw.Sum()).ToArray();
        }).ToArray())];
    }

    public static float[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(2 * random.NextDouble() - 1))];
    }

    public static void Near(IReadOnlyList<double> expected, IReadOnlyList<float> actual, double tolerance = 1e-5)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++) Assert.InRange(actual[i], expected[i] - tolerance, expected[i] + tolerance);
    }
}
