using System.Text.Json.Nodes;
using Kvasir.Models;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>
/// Models whose settings were changed at random either load, and then a pass over a few tokens runs, or are refused with one line.
/// </summary>
public sealed class ModelFuzzTests : ReferenceComparison
{
    [Theory]
    [InlineData("llama", 1)]
    [InlineData("cohere2", 2)]
    [InlineData("gemma3", 3)]
    public void Changed_gguf_settings_are_run_or_refused(string architecture, int seed)
    {
        var random = new Random(seed);
        string[] keys =
        [
            "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv",
                "attention.key_length", "attention.value_length", "attention.scale",
            "attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon", "attention.sliding_window",
                "attention.sliding_window_pattern", "attention.causal", "rope.dimension_count", "rope.freq_base", "rope.freq_base_swa",
            "rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length", "rope.scaling.attn_factor",
                "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_log_multiplier", "rope.scale_linear",
            "logit_scale", "expert_count", "pooling_type", "attn_logit_softcapping", "final_logit_softcapping", "other",
        ];
        NaiveTransformer model = architecture == "cohere2"
            ? (Llama with { Norms = ["input", null, null, null], Centred = true, Tied = true }).WithRandomWeights(2)
            : architecture == "gemma3"
                ? (Llama with { Norms = ["input", "post_attention", "pre_feedforward", "post_feedforward"] }).WithRandomWeights(3) : Llama;
        (string, object)[] needed = architecture == "cohere2" ? [("attention.sliding_window", 16u)] : [];
        Fuzz(200, random, () =>
            TinyHfModel.WriteGguf(model, _folder, architecture, permutes: false,
                [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => (keys[random.Next(keys.Length)], Value(random))).Concat(needed)
                .DistinctBy(pair => pair.Item1)]));
    }

    [Theory]
    [InlineData("llama", 4)]
    [InlineData("smollm3", 5)]
    [InlineData("granite", 6)]
    public void Changed_configurations_are_run_or_refused(string type, int seed)
    {
        var random = new Random(seed);
        string own = type switch { "smollm3" => ", \"no_rope_layer_interval\": 4", "granite" => ", \"residual_multiplier\": 0.5", _ => "" };
        TinyHfModel.Load(Llama, _folder, type,
            $$"""{"rope_theta": 10000.0, "max_position_embeddings": 256, "rope_scaling": {"rope_type": "yarn", "factor": 4.0,"""
            + $$""" "original_max_position_embeddings": 64}, "hidden_act": "silu"{{own}}}""").Dispose();
        string whole = File.ReadAllText(Path.Combine(_folder.Path, "config.json"));
        Fuzz(200, random, () =>
        {
            JsonObject config = JsonNode.Parse(whole)!.AsObject();
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                JsonObject changed = random.Next(4) == 0 && config["rope_scaling"] is JsonObject inner && inner.Count > 0 ? inner : config;
                string key = changed.ElementAt(random.Next(changed.Count)).Key;
                if (random.Next(5) == 0) changed.Remove(key);
                else changed[key] = JsonNode.Parse(Json(random));
            }
            _folder.File("config.json", config.ToJsonString());
            return _folder.Path;
        });
    }

    private static object Value(Random random) => random.Next(14) switch
    {
        0 => 0u,
        1 => 1u,
        2 => uint.MaxValue,
        3 => ulong.MaxValue,
        4 => long.MinValue,
        5 => -1,
        6 => float.NaN,
        7 => float.PositiveInfinity,
        8 => 1e-30f,
        9 => "yarn",
        10 => true,
        11 => new[] { true, false },
        12 => new[] { 2, 2 },
        _ => (uint)random.Next(1, 40),
    };

    private static string Json(Random random) => random.Next(12) switch
    {
        0 => "0",
        1 => "-1",
        2 => "1e300",
        3 => "9223372036854775807",
        4 => "0.1",
        5 => "null",
        6 => "true",
        7 => "\"linear\"",
        8 => "[1, 0]",
        9 => "{}",
        10 => "[]",
        _ => $"{random.Next(1, 40)}",
    };

    private static void Fuzz(int rounds, Random random, Func<string> write)
    {
        int ran = 0, refused = 0;
        for (int round = 0; round < rounds; round++)
        {
            string path = write();
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using Model model = Model.Load(path, new ModelOptions { Threads = 1 });
                using var batch = new Batch();
                using Kvasir.Cache.KvCache cache = model.NewCache();
                batch.Add(cache, [1, 2, (int)(random.NextInt64() % 3 + 3)]);
                model.Forward(batch);
                Assert.Equal(model.Config.Vocabulary, batch.Logits(0).Length);
                ran++;
            }
            catch (InvalidInputException error)
            {
                refused++;
                Assert.DoesNotContain(error.Message, char.IsControl);
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
        }
        Assert.True(ran > rounds / 20 && refused > rounds / 20, $"{ran} ran, {refused} were refused");
    }
}
