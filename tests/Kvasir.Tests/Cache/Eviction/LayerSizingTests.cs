using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Cache.Eviction;
using Kvasir.Formats;

namespace Kvasir.Tests.Cache.Eviction;

/// <summary>How many tokens layers and heads keep.</summary>
public sealed class LayerSizingTests
{
    [Theory]
    [InlineData(300, 0.2, 60)]
    [InlineData(7, 0.5, 3)]
    [InlineData(3, 0.1, 1)]
    public void Equal_shares_are_rounded_down_and_at_least_one(int tokens, double share, int kept) =>
        Assert.All(new UniformSizing().Counts(Input(tokens, share, 2, 3)).SelectMany(heads => heads), count => Assert.Equal(kept, count));

    [Theory]
    [InlineData(0, 300, 0.5, 236)]
    [InlineData(15, 300, 0.5, 147)]
    [InlineData(29, 300, 0.5, 64)]
    [InlineData(29, 300, 0.75, 214)]
    [InlineData(3, 300, 0.25, 75)]
    [InlineData(3, 1000, 0.75, 898)]
    [InlineData(29, 1000, 0.5, 64)]
    public void The_pyramid_is_that_of_kvpress(int layer, int tokens, double share, int kept) =>
        Assert.Equal(kept, PyramidSizing.LayerBudget(layer, 30, tokens, share));

    [Fact]
    public void Heads_of_a_layer_share_its_budget_and_none_is_left_without()
    {
        float[][] layer = [Rising(100, 0), Rising(100, 1000), Rising(100, 2000)];
        int[] counts = new AdaSizing().Counts(new SizingInput(100, 0.5, [layer], []))[0];
        Assert.Equal([10, 40, 100], counts);
    }

    [Fact]
    public void All_heads_share_one_budget_that_the_highest_scores_get()
    {
        float[][][] scores = [[Rising(10, 0), Rising(10, 100)], [Rising(10, 100), Rising(10, 0)]];
        Assert.Equal([[1, 9], [9, 1]], new GlobalSizing().Counts(new SizingInput(10, 0.5, scores, [])));
        Assert.Equal(8, new GlobalSizing()
            .Counts(new SizingInput(4, 0.5, [[[1, 1, 1, 1], [1, 1, 1, 1]], [[1, 1, 1, 1], [1, 1, 1, 1]]], [])).SelectMany(heads => heads)
            .Sum());
    }

    [Fact]
    public void Layers_whose_attention_is_spread_keep_more()
    {
        float[] spread = [.. Enumerable.Range(0, 200).Select(j => 1f + j % 7 / 100f)],
            pointed = [.. Enumerable.Range(0, 200).Select(j => j % 20 == 5 ? 1f : 0.001f * (1 + j % 3))];
        PrefixKvSizes sizes = new PrefixKvSearch([spread, pointed, spread]).Run(0.6);
        Assert.InRange(sizes.Forget.Sum(), 0.6 * 600 - 5, 0.6 * 600);
        Assert.True(sizes.Forget[0] < sizes.Forget[1], "what looks at few tokens forgets more");
        Assert.True(sizes.Met);
    }

    /// <summary>A layer that looks at the first token alone is not starved for it where that token stays in any case.</summary>
    [Fact]
    public void Tokens_that_stay_in_any_case_are_not_searched_among()
    {
        float[] even = [.. Enumerable.Range(0, 200).Select(j => 1f + j % 7 / 100f)], first = [10_000, .. even[1..]];
        bool[] stays = [.. Enumerable.Range(0, 200).Select(j => j is < 4 or >= 168)];
        int[] without = new PrefixKvSearch([first, even]).Run(0.5).Forget, with = new PrefixKvSearch([first, even], stays).Run(0.5).Forget;
        Assert.True(without[0] > without[1] + 50, "the first token outweighs the rest of its layer");
        Assert.Equal(with[0], with[1]);
        Assert.InRange(with.Sum(), 195, 200);
    }

    [Fact]
    public void Half_of_what_heavy_hitters_keep_are_the_newest_tokens()
    {
        Assert.Equal(128, KvPolicy.Parse("evict=h2o:50%").Eviction!.RecentOf(512));
        Assert.Equal(8, KvPolicy.Parse("evict=h2o:50%,recent=8").Eviction!.RecentOf(512));
        Assert.Equal(32, KvPolicy.Parse("evict=mean-received:50%").Eviction!.RecentOf(512));
        Assert.Contains("recent=32", KvPolicy.Parse("evict=h2o:50%,recent=32").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_search_ends_where_no_threshold_meets_the_budget()
    {
        float[] same = [.. Enumerable.Repeat(0f, 99), 1f];
        PrefixKvSizes sizes = new PrefixKvSearch([.. Enumerable.Repeat(same, 30)]).Run(0.505);
        Assert.Equal((100, false), (sizes.Iterations, sizes.Met));
        Assert.All(sizes.Forget, count => Assert.InRange(count, 0, 100));
    }

    [SkippableFact]
    public void Edge_cases_are_those_of_the_reference()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/prefixkv/edge_cases.json")));
        foreach (JsonElement one in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            PrefixKvSizes sizes =
                new PrefixKvSearch([.. one.GetProperty("scores").EnumerateArray().Select(row => row.Deserialize<float[]>()!)])
                .Run(one.GetProperty("ratio").GetDouble());
            Assert.Equal(one.GetProperty("raw_forget").Deserialize<int[]>(), sizes.RawForget);
            Assert.Equal(one.GetProperty("forget").Deserialize<int[]>(), sizes.Forget);
            Assert.Equal((one.GetProperty("iterations").GetInt32(), one.GetProperty("met").GetBoolean()), (sizes.Iterations, sizes.Met));
            Assert.Equal(one.GetProperty("threshold").GetDouble(), sizes.Threshold, 1e-12);
        }
    }

    [SkippableFact]
    public void The_profile_is_that_of_the_authors_code()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/prefixkv/profile.json")));
        using SafetensorsFile tensors = SafetensorsFile.Open(SharedData.Require("golden/prefixkv/profile.safetensors"));
        var received = new Dictionary<string, float[][]>();
        foreach (JsonProperty text in golden.RootElement.GetProperty("profile").EnumerateObject())
        {
            int tokens = (int)tensors.Tensors[$"{text.Name}.importance"].Shape[1];
            received[text.Name] = [.. tensors.Floats($"{text.Name}.importance").Chunk(tokens)];
            var search = new PrefixKvSearch(received[text.Name]);
            float[] sums = tensors.Floats($"{text.Name}.cum");
            for (int layer = 0; layer < 30; layer++)
                for (int i = 0; i < tokens; i++) Assert.InRange(search.RunningSum(layer)[i], sums[layer * tokens + i] - 2e-6f,
                    sums[layer * tokens + i] + 2e-6f);
            foreach (JsonProperty budget in text.Value.EnumerateObject())
            {
                PrefixKvSizes sizes = search.Run(budget.Value.GetProperty("ratio").GetDouble());
                bool exact = budget.Value.GetProperty("same_in_float64").GetBoolean() && budget.Value.GetProperty("stable_at_2e-6")
                    .GetBoolean();
                if (exact) Assert.Equal(budget.Value.GetProperty("iterations").GetInt32(), sizes.Iterations);
                int[] forget = budget.Value.GetProperty("forget").Deserialize<int[]>()!;
                for (int layer = 0; layer < 30; layer++) Assert.InRange(sizes.Forget[layer], forget[layer] - 1, forget[layer] + 1);
            }
        }
        PrefixKvProfile profile = PrefixKvProfile.Of("m", received, [0.1, 0.2, 0.3, 0.5], leaveOutProtected: false);
        foreach (string budget in new[] { "10", "20", "30", "50" })
        {
            double[] expected = golden.RootElement.GetProperty("confs").GetProperty(budget).Deserialize<double[]>()!;
            IReadOnlyList<double> actual = profile.ForgetRatios(double.Parse(budget, CultureInfo.InvariantCulture) / 100);
            for (int layer = 0; layer < 30; layer++) Assert.Equal(expected[layer], actual[layer], 1e-3);
        }
    }

    [SkippableFact]
    public void Sliding_lets_the_tokens_go_that_the_authors_code_does()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/prefixkv/online.json")));
        int prompt = golden.RootElement.GetProperty("n").GetInt32();
        foreach (JsonProperty run in golden.RootElement.GetProperty("runs").EnumerateObject())
        {
            double[] ratios = run.Value.GetProperty("layer_forget_ratio").Deserialize<double[]>()!;
            int[][] kept = run.Value.GetProperty("kept_after_prefill").Deserialize<int[][]>()!,
                steps = run.Value.GetProperty("evicted_position_per_step").Deserialize<int[][]>()!;
            PrefixKvSliding[] rules =
                [.. kept.Select((positions, layer) => PrefixKvSliding.After(prompt, positions.Length, ratios[layer]))];
            Assert.Equal(run.Value.GetProperty("evict_slot").Deserialize<int[]>(), rules.Select(rule => rule.Slot));
            for (int step = 0; step < steps.Length; step++)
                for (int layer = 0; layer < kept.Length; layer++)
                {
                    int[] before = [.. kept[layer], prompt + step];
                    kept[layer] = rules[layer].Left(before, prompt + step + 1, 1);
                    Assert.Equal(steps[step][layer], kept[layer].Length == before.Length ? -1 : before.Except(kept[layer]).Single());
                }
        }
    }

    private static SizingInput Input(int tokens, double share, int layers, int heads) =>
        new(tokens, share,
            [.. Enumerable.Range(0, layers).Select(_ => Enumerable.Range(0, heads).Select(_ => new float[tokens]).ToArray())], []);

    private static float[] Rising(int count, int from) => [.. Enumerable.Range(from, count).Select(value => (float)value)];
}
