using Kvasir.Cache.Eviction;
using Kvasir.Formats;

namespace Kvasir.Tests.Cache.Eviction;

/// <summary>Each score against its formula on made-up attention, and against NVIDIA's kvpress where its values are at hand.</summary>
public sealed class TokenScoreTests
{
    private const int Tokens = 90, KvHeads = 2, Group = 3, Channels = 8;

    [Fact]
    public void Received_is_the_sum_over_queries_of_the_mean_over_heads()
    {
        double[][][] maps = Scored.Maps(KvHeads * Group, Tokens, 1);
        float[][] scores = new ReceivedScore().Score(Scored.Layer(Tokens, KvHeads, Group, maps: maps));
        double[] expected = [.. Enumerable.Range(0, Tokens).Select(j => maps.Sum(head => Column(head, j).Sum()) / maps.Length)];
        foreach (float[] head in scores) Scored.Near(expected, head, 1e-4);
    }

    [Fact]
    public void Mean_received_is_by_kv_head_and_by_the_queries_that_see_a_token()
    {
        double[][][] maps = Scored.Maps(KvHeads * Group, Tokens, 2);
        float[][] scores = new MeanReceivedScore().Score(Scored.Layer(Tokens, KvHeads, Group, maps: maps));
        for (int h = 0; h < KvHeads; h++)
            Scored.Near([.. Enumerable.Range(0, Tokens)
                .Select(j => maps.Skip(h * Group).Take(Group).Average(head => Column(head, j).Average()))], scores[h]);
    }

    [Fact]
    public void Snapkv_smooths_the_attention_of_the_last_64_queries_and_puts_these_first()
    {
        double[][][] maps = Scored.Maps(KvHeads * Group, Tokens, 3);
        float[][] scores = new SnapKvScore().Score(Scored.Layer(Tokens, KvHeads, Group, maps: maps, recentRows: 64));
        int before = Tokens - 64;
        for (int h = 0; h < KvHeads; h++)
        {
            double Mean(int j) => j < 0 || j >= before ? 0 : maps.Skip(h * Group).Take(Group)
                .Average(head => Column(head, j).TakeLast(64).Sum() / 64);
            Scored.Near([.. Enumerable.Range(0, before).Select(j => Enumerable.Range(j - 2, 5).Sum(Mean) / 5)], scores[h][..before]);
            Assert.True(scores[h][before..].Min() > scores.Max(head => head[..before].Max()) + 0.5);
        }
        Assert.All(new SnapKvScore().Score(Scored.Layer(20, 1, 1, maps: Scored.Maps(1, 20, 4), recentRows: 64))[0], score =>
            Assert.True(float.IsFinite(score)));
    }

    [Fact]
    public void Tova_is_the_last_query_alone_over_all_heads()
    {
        double[][][] maps = Scored.Maps(KvHeads * Group, Tokens, 5);
        float[][] scores = new TovaScore().Score(Scored.Layer(Tokens, KvHeads, Group, maps: maps, recentRows: 1));
        foreach (float[] head in scores)
        {
            Scored.Near([.. Enumerable.Range(0, Tokens - 1).Select(j => maps.Average(map => map[^1][j]))], head[..^1]);
            Assert.True(head[^1] > 1);
        }
    }

    [Fact]
    public void Key_scores_follow_their_formulas()
    {
        float[] keys = Scored.Numbers(Tokens * Channels, 6);
        ScoredLayer layer = Scored.Layer(Tokens, 1, Group, Channels, keys: _ => keys);
        double[][] rows = [.. keys.Chunk(Channels).Select(row => row.Select(value => (double)value).ToArray())];
        double Norm(double[] x) => Math.Sqrt(x.Sum(value => value * value));
        double[] mean = [.. Enumerable.Range(0, Channels).Select(c => rows.Average(row => row[c] / Norm(row)))];
        Scored.Near([.. rows.Select(row => -Norm(row))], new KeyNormScore().Score(layer)[0]);
        Scored.Near([.. rows.Select(row => -row.Zip(mean, (a, b) => a * b).Sum() / (Norm(row) * Norm(mean)))], new KeyDiffScore()
            .Score(layer)[0]);
    }

    [Fact]
    public void Expected_attention_is_that_of_normally_distributed_queries()
    {
        const int tokens = 30;
        float[] keys = Scored.Numbers(tokens * Channels, 7), values = Scored.Numbers(tokens * Channels, 8),
            queries = Scored.Numbers(tokens * Channels, 9);
        ScoredLayer layer = Scored.Layer(tokens, 1, 1, Channels, keys: _ => keys, values: _ => values);
        float[][] seen = [.. queries.Chunk(Channels).Skip(4)];
        for (int a = 0; a < Channels; a++)
        {
            layer.Attention!.QuerySum(0)[a] = seen.Sum(query => query[a]);
            for (int b = 0; b < Channels; b++) layer.Attention.QueryProducts(0)[a * Channels + b] = seen.Sum(query => query[a] * query[b]);
        }
        double[] mean = [.. Enumerable.Range(0, Channels).Select(c => seen.Average(query => (double)query[c]))];
        double[] logits = [.. keys.Chunk(Channels).Select(key => key.Zip(mean, (k, m) => k * m).Sum()
            + seen.Average(query => Math.Pow(query.Select((q, c) => (q - mean[c]) * key[c]).Sum(), 2)) / 2)];
        double all = logits.Skip(4).Sum(Math.Exp);
        double[] expected = [.. values.Chunk(Channels)
            .Select((value, j) => Math.Exp(logits[j]) / all * Math.Sqrt(value.Sum(v => (double)v * v)))];
        float[] scores = new ExpectedAttentionScore().Score(layer)[0];
        Scored.Near(expected[4..], scores[4..]);
        Assert.All(scores[..4], score => Assert.True(score > 1));
    }

    [Fact]
    public void Streaming_orders_the_first_four_before_the_newest() =>
        Assert.Equal([0, 1, 2, 3, 18, 19], TokenSelection.Highest(new StreamingScore().Score(Scored.Layer(20, 1, 1))[0], 6));

    [Fact]
    public void Reconstruction_is_the_largest_weight_of_the_second_reading()
    {
        double[][][] maps = Scored.Maps(Group, Tokens, 10);
        Scored.Near([.. Enumerable.Range(0, Tokens).Select(j => maps.Max(head => Column(head, j).Max()))],
            new ReconstructionScore().Score(Scored.Layer(Tokens, 1, Group, maps: maps))[0]);
    }

    [Fact]
    public void Of_equal_scores_the_first_are_kept() => Assert.Equal([0, 2, 3], TokenSelection.Highest([1, 0, 2, 1, 1, float.NaN], 3));

    [SkippableTheory]
    [InlineData("knorm")]
    [InlineData("keydiff")]
    public void Scores_of_stored_keys_are_those_of_kvpress(string name)
    {
        using SafetensorsFile golden = SafetensorsFile.Open(SharedData.Require("golden/eviction/kvpress.safetensors"));
        const int tokens = 300, kvHeads = 3, channels = 64;
        float[] scores = golden.Floats($"{name}.scores");
        foreach (int layer in new[] { 0, 12, 29 })
        {
            float[] keys = golden.Floats($"keys.L{layer}");
            ScoredLayer view = Scored.Layer(tokens, kvHeads, 3, channels, keys: head =>
                keys[(head * tokens * channels)..((head + 1) * tokens * channels)]);
            float[][] actual = TokenScore.Named(name).Score(view);
            for (int head = 0; head < kvHeads; head++)
                for (int j = 0; j < tokens; j++)
                {
                    float expected = scores[(layer * kvHeads + head) * tokens + j];
                    Assert.InRange(actual[head][j], expected - 1e-5f * (1 + Math.Abs(expected)), expected
                        + 1e-5f * (1 + Math.Abs(expected)));
                }
        }
    }

    [SkippableTheory]
    [InlineData("snapkv")]
    [InlineData("tova")]
    public void Scores_of_stored_queries_are_those_of_kvpress(string name)
    {
        using SafetensorsFile golden = SafetensorsFile.Open(SharedData.Require("golden/eviction/kvpress.safetensors"));
        const int tokens = 300, kvHeads = 3, group = 3, channels = 64, rows = 64;
        float[] scores = golden.Floats($"{name}.scores");
        foreach (int layer in new[] { 0, 12, 29 })
        {
            float[] keys = golden.Floats($"keys.L{layer}"), queries = golden.Floats($"last64_queries.L{layer}");
            double[][][] maps = [.. Enumerable.Range(0, kvHeads * group).Select(head => Enumerable.Range(0, tokens).Select(query =>
                query < tokens - rows ? []
                    : Softmax([.. Enumerable.Range(0, query + 1)
                    .Select(j =>
                    Dot(queries, (head * rows + query - tokens + rows) * channels, keys, (head / group * tokens + j) * channels) / 8)]))
                    .ToArray())];
            float[][] actual = TokenScore.Named(name)
                .Score(Scored.Layer(tokens, kvHeads, group, channels, maps, recentRows: name == "tova" ? 1 : rows));
            int told = name == "tova" ? tokens - 1 : tokens - rows;
            for (int head = 0; head < kvHeads; head++)
                Scored.Near([.. Enumerable.Range(0, told).Select(j => (double)scores[(layer * kvHeads + head) * tokens + j])],
                    actual[head][..told], 1e-5);
        }

        static double Dot(float[] a, int at, float[] b, int from) =>
            Enumerable.Range(0, channels).Sum(c => (double)a[at + c] * b[from + c]);

        static double[] Softmax(double[] x)
        {
            double[] weights = [.. x.Select(value => Math.Exp(value - x.Max()))];
            return [.. weights.Select(weight => weight / weights.Sum())];
        }
    }

    private static IEnumerable<double> Column(double[][] map, int key) => map.Skip(key).Select(row => row[key]);
}
