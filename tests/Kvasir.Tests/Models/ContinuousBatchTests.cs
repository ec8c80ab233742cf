using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Numerics;

namespace Kvasir.Tests.Models;

[Trait("Category", "Kernels")]
public sealed class ContinuousBatchTests
{
    [SkippableTheory]
    [InlineData("tiny-llama3.gguf")]
    [InlineData("tiny-gemma2.gguf")]
    [InlineData("tiny-gpt2.gguf")]
    public void Sequences_of_different_lengths_give_the_logits_they_give_alone(string file)
    {
        using Model model = GoldenLogitsTests.Load(file, ComputeMode.Float32);
        int[][] prompts = [.. new[] { 3, 50, 1, 70 }.Select((length, s) => Ids(model, length, s))];
        KvCache[] caches = [.. prompts.Select(_ => model.NewCache())];
        using Batch together = new(), single = new();
        for (int step = 0; step < 3; step++)
        {
            together.Clear();
            for (int s = 0; s < prompts.Length; s++) together.Add(caches[s], step == 0 ? prompts[s] : Ids(model, 1, s + step));
            model.Forward(together);
        }
        for (int s = 0; s < prompts.Length; s++)
        {
            using KvCache alone = model.NewCache();
            for (int step = 0; step < 3; step++)
            {
                single.Clear();
                single.Add(alone, step == 0 ? prompts[s] : Ids(model, 1, s + step));
                model.Forward(single);
            }
            float[] expected = single.Logits(0).ToArray(), actual = together.Logits(s).ToArray();
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f);
            caches[s].Dispose();
        }
    }

    [SkippableTheory]
    [InlineData("tiny-llama3.gguf", 2)]
    [InlineData("tiny-llama3.gguf", 7)]
    [InlineData("tiny-gemma2.gguf", 13)]
    public void With_8_bit_activations_the_neighbours_in_a_batch_change_no_bit(string file, int sequences)
    {
        foreach (KernelPath path in KernelPaths.Supported)
        {
            using Model model = Model.Load(SharedData.Require("models/tiny/" + file), new ModelOptions { Threads = 1, Kernels = path });
            float[][] first = Logits(model, sequences, neighbours: 1), second = Logits(model, sequences, neighbours: 2);
            Assert.Equal(first[0], second[0]);
            Assert.NotEqual(first[1], second[1]);
        }
    }

    [SkippableFact]
    public void A_prompt_longer_than_a_slice_gives_what_small_steps_give()
    {
        using Model model = Model.Load(
            SharedData.Require("models/tiny/tiny-llama3.gguf"), new ModelOptions { Compute = ComputeMode.Float32 });
        int[] ids = [.. Enumerable.Range(0, 500).Select(i => i * 31 % model.Config.Vocabulary)];
        using KvCache whole = model.NewCache(KvPolicy.Parse("k=f32,v=f32")), stepwise = model.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        using Batch one = new(), many = new();
        one.Add(whole, ids);
        model.Forward(one);
        for (int start = 0; start < ids.Length; start += 61)
        {
            many.Clear();
            many.Add(stepwise, ids.AsSpan(start, Math.Min(61, ids.Length - start)));
            model.Forward(many);
        }
        float[] expected = one.Logits(0).ToArray(), actual = many.Logits(0).ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-3f);
    }

    [SkippableFact]
    public void A_pass_that_is_refused_leaves_the_caches_as_they_were()
    {
        using Model model = GoldenLogitsTests.Load("tiny-llama3.gguf", ComputeMode.Int8);
        using KvCache cache = model.NewCache();
        using var batch = new Batch();
        batch.Add(cache, [1, 2, 3]);
        model.Forward(batch);
        long bytes = cache.Bytes;

        batch.Clear();
        batch.Add(cache, [1, model.Config.Vocabulary]);
        Assert.Contains("vocabulary", Assert.Throws<InvalidInputException>(() => model.Forward(batch)).Message, StringComparison.Ordinal);
        batch.Clear();
        batch.Add(cache, new int[model.Config.ContextLength]);
        Assert.Contains("context", Assert.Throws<InvalidInputException>(() => model.Forward(batch)).Message, StringComparison.Ordinal);
        batch.Clear();
        batch.Add(cache, [1, 2, 3]);
        Assert.Throws<OperationCanceledException>(() => model.Forward(batch, new CancellationToken(canceled: true)));
        Assert.Equal((3, bytes), (cache.Length, cache.Bytes));
    }

    [SkippableFact]
    public void A_budget_that_is_used_up_refuses_the_pass_and_frees_with_the_sequences()
    {
        using Model model = GoldenLogitsTests.Load("tiny-llama3.gguf", ComputeMode.Int8);
        using var pool = new BlockPool(400_000);
        using KvCache first = model.NewCache(pool: pool);
        KvCache second = model.NewCache(pool: pool);
        using var batch = new Batch();
        batch.Add(first, Ids(model, 200, 1));
        model.Forward(batch);
        batch.Clear();
        batch.Add(second, Ids(model, 200, 2));
        model.Forward(batch);
        batch.Clear();
        batch.Add(first, Ids(model, 200, 3));
        Assert.Contains("400,000", Assert.Throws<KvBudgetExceededException>(() => model.Forward(batch)).Message, StringComparison.Ordinal);
        Assert.Equal(200, first.Length);
        second.Dispose();
        model.Forward(batch);
        Assert.Equal(400, first.Length);
        Assert.Equal(first.Bytes, pool.Bytes);
        Assert.True(pool.MostBytes <= pool.Budget);
    }

    /// <summary>With one thread all is done by the caller's, as with more on a busy machine.</summary>
    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    public void Steady_decoding_allocates_nothing(int threads)
    {
        using Model model = Model.Load(
            SharedData.Require("models/tiny/tiny-llama3.gguf"), new ModelOptions { ContextLength = 4000, Threads = threads });
        using KvCache cache = model.NewCache();
        using var batch = new Batch();
        cache.Reserve(4000);
        Assert.Equal(0, Allocated.Least(Steps));

        void Steps()
        {
            Span<int> id = [7];
            for (int i = 0; i < 70; i++)
            {
                batch.Clear();
                batch.Add(cache, id);
                model.Forward(batch);
            }
        }
    }

    /// <summary>
    /// A prompt and two steps of several sequences of one length, of which all but the first depend on <paramref name="neighbours"/>.
    /// </summary>
    private static float[][] Logits(Model model, int sequences, int neighbours)
    {
        KvCache[] caches = [.. Enumerable.Range(0, sequences).Select(_ => model.NewCache(KvPolicy.Parse("k=kivi4,v=kivi4")))];
        using Batch batch = new();
        foreach (int length in new[] { 70, 1, 1 })
        {
            batch.Clear();
            for (int s = 0; s < sequences; s++) batch.Add(caches[s], Ids(model, length, s == 0 ? 0 : s + 100 * neighbours));
            model.Forward(batch);
        }
        float[][] logits = [.. caches.Select((_, s) => batch.Logits(s).ToArray())];
        foreach (KvCache cache in caches) cache.Dispose();
        return logits;
    }

    private static int[] Ids(Model model, int count, int seed) =>
        [.. Enumerable.Range(0, count).Select(i => (i * 37 + seed * 11 + 5) % model.Config.Vocabulary)];
}
