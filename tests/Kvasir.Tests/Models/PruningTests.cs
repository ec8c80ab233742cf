using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Tests.Models;

public sealed class PruningTests
{
    private static readonly KvPolicy s_float32 = KvPolicy.Parse("k=f32,v=f32");

    [SkippableTheory]
    [InlineData("tiny-llama3.gguf")]
    [InlineData("tiny-qwen2.gguf")]
    public void Keeping_all_tokens_changes_nothing_and_keeping_some_keeps_as_many_in_every_head(string name)
    {
        using Model model = GoldenLogitsTests.Load(name, ComputeMode.Float32);
        int[] prefix = Ids(model, 10, 3), part = Ids(model, 50, 17), probe = [.. Ids(model, 4, 5), .. part], question = Ids(model, 7, 29);
        using KvCache whole = model.NewCache(s_float32);
        Feed(model, whole, prefix);
        whole.Seal();
        Feed(model, whole, part);
        using (KvCache all = model.Prune(whole, prefix.Length, probe, 1, s_float32), behind = model.NewCache(s_float32),
            fork = whole.Fork())
        {
            Assert.Equal(prefix.Length + part.Length, whole.Length);
            Feed(model, behind, prefix);
            behind.Place(all, prefix.Length);
            float[] expected = Feed(model, fork, question), actual = Feed(model, behind, question);
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f);
        }

        using KvCache some = model.Prune(whole, prefix.Length, probe, 0.7, s_float32);
        Assert.All(some.Layers.SelectMany(layer => layer.Heads), head => Assert.Equal(35, Assert.Single(head.Segments).TokenCount));
        Assert.True(some.Layers.SelectMany(layer => layer.Heads)
            .Select(head => string.Join(',', head.Segments[0].Kept!.Positions.ToArray())).Distinct().Count() > 1,
            "every head has a choice of its own");
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Prune(whole, prefix.Length, probe, 0, s_float32));
    }

    /// <summary>
    /// Weights of a token's queries sum to 1 over what they see: the largest ones that a single query gives are that query's weights.
    /// </summary>
    [SkippableFact]
    public void Attention_received_from_one_query_sums_to_one()
    {
        using Model model = GoldenLogitsTests.Load("tiny-llama3.gguf", ComputeMode.Float32);
        using KvCache cache = model.NewCache(s_float32);
        Feed(model, cache, Ids(model, 70, 11));
        int group = model.Config.Heads / model.Config.KvHeads;
        var received = model.AttentionReceived(cache, [5], 0, 71);
        for (int layer = 0; layer < model.Config.Layers; layer++)
            for (int head = 0; head < model.Config.KvHeads; head++)
            {
                // The largest over the heads of the group lies between one head's weights, which sum to 1, and the sum of all heads'.
                Assert.InRange(received[layer].Of(Observations.Largest, head).ToArray().Sum(), 1 - 1e-4, group + 1e-4);
                Assert.All(received[layer].Of(Observations.Largest, head).ToArray(), weight => Assert.InRange(weight, 0, 1 + 1e-5f));
            }
        Assert.Equal(70, cache.Length);
    }

    private static int[] Ids(Model model, int count, int step) =>
        [.. Enumerable.Range(0, count).Select(i => (i * step + 1) % model.Config.Vocabulary)];

    private static float[] Feed(Model model, KvCache cache, int[] ids)
    {
        using var batch = new Batch();
        batch.Add(cache, ids);
        model.Forward(batch);
        return batch.Logits(0).ToArray();
    }
}
