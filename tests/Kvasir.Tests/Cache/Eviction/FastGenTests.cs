using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Cache.Eviction;
using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Tests.Cache.Eviction;

/// <summary>FastGen's choice of policies by head.</summary>
public sealed class FastGenTests
{
    private const int Tokens = 50, Group = 3;

    [Fact]
    public void Recovery_is_the_attention_on_what_a_policy_keeps()
    {
        double[][][] maps = Scored.Maps(Group, Tokens, 1);
        FastGen fastGen = Made();
        ScoredLayer layer = Scored.Layer(Tokens, 1, Group, maps: maps, localTokens: FastGen.LocalTokens(Tokens));
        bool[] frequent = fastGen.FrequentOf(layer, 0);
        double[] sums = [.. Enumerable.Range(0, Tokens).Select(j => maps.Sum(head => head.Skip(j).Sum(row => row[j])))];
        Assert.Equal(Enumerable.Range(0, Tokens).OrderByDescending(j => sums[j]).Take(15).Order(), Enumerable.Range(0, Tokens)
            .Where(j => frequent[j]));
        for (int policy = 0; policy <= FastGen.Full; policy++)
            for (int head = 0; head < Group; head++)
            {
                double expected = maps[head]
                    .Select((row, i) =>
                    row.Where((_, j) => policy == 4 || IsSpecial(j) || (policy >= 1 && IsPunctuation(j)) || (policy >= 2 && frequent[j])
                    || (policy == 3 && j > i - 15)).Sum()).Average();
                Assert.Equal(expected, fastGen.Recovery(layer, head, policy, frequent), 1e-5);
            }
    }

    [Fact]
    public void The_cheapest_policy_that_recovers_enough_for_every_head_of_the_group_is_chosen()
    {
        ScoredLayer layer = Scored.Layer(Tokens, 1, Group, maps: Scored.Maps(Group, Tokens, 2), localTokens: FastGen.LocalTokens(Tokens));
        FastGen fastGen = Made();
        bool[] frequent = fastGen.FrequentOf(layer, 0);
        double[] least = [.. Enumerable.Range(0, 4)
            .Select(policy => Enumerable.Range(0, Group).Min(head => fastGen.Recovery(layer, head, policy, frequent)))];
        for (int policy = 0; policy < 4; policy++)
        {
            Assert.Equal(policy, fastGen.Choose(layer, 0, least[policy]));
            Assert.Equal(policy + 1, fastGen.Choose(layer, 0, least[policy] + 1e-6));
        }
        Assert.Equal(FastGen.Full, fastGen.Choose(layer, 0, 1));
        Assert.Equal(15, fastGen.Keeps(layer, 0, 3).TakeLast(15).Count(kept => kept));
    }

    [Fact]
    public void By_reconstruction_a_head_keeps_as_few_blocks_as_recover_enough_for_each_of_its_group()
    {
        const int Many = 300, Block = KvBlock.Tokens;
        double[][][] maps = Scored.Maps(2 * Group, Many, 3);
        ScoredLayer layer = Scored.Layer(Many, 2, Group, maps: maps);
        bool[] always = [.. Enumerable.Range(0, Many).Select(token => token is 0 or 241)];
        foreach (int kvHead in new[] { 0, 1 })
            foreach (double recovery in new[] { 0.3, 0.6, 0.9 })
            {
                int[] kept = FewestTokens.Of(layer, kvHead, recovery, always);
                double[] largest = [.. Enumerable.Range(0, Many).Select(token => Heads(kvHead).Max(head => Column(head, token).Max()))];
                IEnumerable<int> others = Enumerable.Range(0, Many).Where(token => !always[token]);
                int[] order = [0, 241, .. others.OrderByDescending(token => largest[token])];
                Assert.Equal(order[..kept.Length].Order(), kept);
                Assert.True(kept.Length % Block == 0 || kept.Length == Many);
                Assert.True(Recovered(kvHead, kept) >= recovery - 1e-6);
                Assert.True(Recovered(kvHead, order[..(kept.Length - Block)]) < recovery);
            }
        int[] least = FewestTokens.Of(layer, 0, 0, always);
        Assert.Equal(Block, least.Length);
        Assert.True(least.Contains(0) && least.Contains(241));
        Assert.Equal(Enumerable.Range(0, Many), FewestTokens.Of(layer, 0, 1, always));

        IEnumerable<int> Heads(int kvHead) => Enumerable.Range(kvHead * Group, Group);
        IEnumerable<double> Column(int head, int token) => maps[head].Skip(token).Select(row => row[token]);
        double Recovered(int kvHead, int[] kept) => Heads(kvHead).Min(head => kept.Sum(token => Column(head, token).Sum()) / Many);
    }

    [Theory]
    [InlineData(" .", true)]
    [InlineData("...\n", true)]
    [InlineData("$=", true)]
    [InlineData("—", true)]
    [InlineData("。", true)]
    [InlineData("\n", false)]
    [InlineData("", false)]
    [InlineData("a.", false)]
    [InlineData("1", false)]
    [InlineData("�", false)]
    [InlineData("€", false)]
    public void Punctuation_is_ascii_marks_and_what_unicode_calls_so(string text, bool punctuation) =>
        Assert.Equal(punctuation, TokenClasses.IsPunctuation(text));

    [SkippableFact]
    public void Token_sets_are_those_of_the_reference()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/fastgen/token_sets.json")));
        using Model model = Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        var classes = new TokenClasses(model.Tokenizer);
        int[] special = golden.RootElement.GetProperty("special_ids").Deserialize<int[]>()!;
        Assert.Equal(special, Enumerable.Range(0, model.Config.Vocabulary).Where(classes.IsSpecial));
        int[] punctuation = golden.RootElement.GetProperty("punct_ids").Deserialize<int[]>()!;
        Assert.Equal(punctuation.Order(), Enumerable.Range(0, model.Config.Vocabulary).Where(classes.IsPunctuation));
    }

    [SkippableFact]
    public void Stored_maps_give_the_reference_choices()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/fastgen/profile.json")));
        using SafetensorsFile maps = SafetensorsFile.Open(SharedData.Require("golden/fastgen/maps.safetensors"));
        foreach (JsonProperty prompt in golden.RootElement.GetProperty("prompts").EnumerateObject())
        {
            JsonElement stored = prompt.Value.GetProperty("stored_map");
            int tokens = prompt.Value.GetProperty("n").GetInt32();
            HashSet<int> special = [.. prompt.Value.GetProperty("special_positions").Deserialize<int[]>()!],
                marks = [.. prompt.Value.GetProperty("punct_positions").Deserialize<int[]>()!];
            float[] triangle = maps.Floats($"{prompt.Name}.L{stored.GetProperty("layer")}.g{stored.GetProperty("kv_head")}");
            int size = tokens * (tokens + 1) / 2;
            double[][][] heads = [.. Enumerable.Range(0, Group)
                .Select(head =>
                Enumerable.Range(0, tokens)
                .Select(i => Enumerable.Range(0, i + 1).Select(j => (double)triangle[head * size + i * (i + 1) / 2 + j]).ToArray())
                .ToArray())];
            var fastGen = new FastGen([.. Enumerable.Range(0, tokens).Select(special.Contains)],
                [.. Enumerable.Range(0, tokens).Select(marks.Contains)]);
            ScoredLayer layer = Scored.Layer(tokens, 1, Group, maps: heads, localTokens: FastGen.LocalTokens(tokens));
            bool[] frequent = fastGen.FrequentOf(layer, 0);
            double[][] recoveries = stored.GetProperty("recovery_from_f16_map_variant_P").Deserialize<double[][]>()!;
            for (int policy = 0; policy < FastGen.Full; policy++)
                for (int head = 0; head < Group; head++) Assert.Equal(recoveries[policy][head],
                    fastGen.Recovery(layer, head, policy, frequent), 2e-6);
            foreach ((JsonProperty kept, int policy) in stored.GetProperty("kept_from_f16_map_variant_P").EnumerateObject()
                .Select((kept, policy) => (kept, policy)))
                Assert.Equal(kept.Value.Deserialize<int[]>(), Enumerable.Range(0, tokens)
                    .Where(token => fastGen.Keeps(layer, 0, policy)[token]));
        }
    }

    private static FastGen Made() =>
        new([.. Enumerable.Range(0, Tokens).Select(IsSpecial)], [.. Enumerable.Range(0, Tokens).Select(IsPunctuation)]);

    private static bool IsSpecial(int token) => token % 17 == 0;

    private static bool IsPunctuation(int token) => token % 11 == 4;
}
