using Kvasir.Cache;
using Kvasir.Calibration;
using Kvasir.Models;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>What eviction leaves in a cache, and what attention makes of it, on a model of random weights.</summary>
public sealed class EvictionTests : ReferenceComparison
{
    private const int Prompt = 150, More = 12;

    private static readonly string[] Scores = ["received", "mean-received", "snapkv", "tova", "keydiff", "knorm", "expected", "streaming",
        "question"];

    private static readonly string[] Sizings = ["uniform", "prefixkv", "pyramid", "ada", "global"];

    [Theory]
    [InlineData("k=f32,v=f32,evict=streaming:30%,sink=0,recent=0", 1)]
    [InlineData("k=f32,v=f32,evict=streaming:30%,sink=0,recent=0", 150)]
    [InlineData("k=f32,v=f32,evict=streaming:30%,sink=10,recent=20", 64)]
    public void Later_tokens_see_what_was_kept_at_its_true_positions(string policy, int slice)
    {
        NaiveTransformer naive = Llama;
        int[] ids = Ids(naive, Prompt + More), kept = Streamed(KvPolicy.Parse(policy));
        double[] expected = (naive with { Sees = (query, key) => query < Prompt || key >= Prompt || kept.Contains(key) })
            .Logits(ids)[((Prompt + More - 1) * naive.Vocabulary)..];
        using Model model = Load(naive);
        using KvCache cache = Read(model, policy, ids.AsSpan(0, Prompt), slice);
        Assert.All(cache.Layers.SelectMany(layer => layer.Heads), head => Assert.Equal(kept, head.Positions()));
        float[] actual = Feed(model, cache, ids.AsSpan(Prompt));
        Assert.InRange(Difference(expected, actual), 0, Tolerance);
        Assert.True(Difference(naive.Logits(ids)[((Prompt + More - 1) * naive.Vocabulary)..], actual) > 10 * Tolerance,
            "what was evicted is missed");
    }

    [Fact]
    public void Any_score_goes_with_any_sizing_and_keeps_what_was_asked_for()
    {
        using Model model = Load(Llama);
        int[] ids = Ids(Llama, Prompt);
        foreach (string score in Scores)
            foreach (string sizing in Sizings)
            {
                using KvCache cache = Read(model, $"evict={score}:40%,sizing={sizing},sink=0,recent=0", ids, Prompt);
                int[] counts = [.. cache.Layers.SelectMany(layer => layer.Heads).Select(head => head.Positions().Length)];
                if (sizing == "uniform") Assert.All(counts, count => Assert.Equal(60, count));
                if (sizing is "ada" or "global") Assert.Equal(60 * counts.Length, counts.Sum());
                if (sizing == "prefixkv") Assert.InRange(counts.Sum(), 60 * counts.Length - 2, 60 * counts.Length + 6);
                Assert.True(cache.IsEvicted);
            }
    }

    [Fact]
    public void First_newest_and_protected_tokens_stay_whatever_their_scores()
    {
        using Model model = Load(Llama);
        int[] ids = Ids(Llama, Prompt);
        using KvCache cache = model.NewCache(KvPolicy.Parse("evict=knorm:10%,sink=6,recent=9"));
        cache.BeginPrompt(ids, 40..43, ^20..^18);
        Feed(model, cache, ids);
        int[] wanted = [.. Enumerable.Range(0, 6), 40, 41, 42, 130, 131, .. Enumerable.Range(141, 9)];
        Assert.All(cache.Layers.SelectMany(layer => layer.Heads), head => Assert.Equal(wanted, head.Positions()));
    }

    [Theory]
    [InlineData("evict=keydiff:25%,recent=0", 0.25)]
    [InlineData("k=kivi4,v=kivi4,evict=keydiff:25%,residual=0,sink=0,recent=0", 0.25 * 5 / 16)]
    public void Bytes_go_back_to_the_pool(string policy, double share)
    {
        using Model model = Load(Llama);
        using var pool = new BlockPool();
        using KvCache whole = model.NewCache(KvPolicy.Parse("k=f16,v=f16"), pool), cache = model.NewCache(KvPolicy.Parse(policy), pool);
        int[] ids = Ids(Llama, 240);
        Feed(model, whole, ids);
        cache.BeginPrompt(ids);
        Feed(model, cache, ids);
        Assert.InRange(cache.Bytes, 1, 1.5 * share * whole.Bytes);
        long lists = cache.Layers.SelectMany(layer => layer.Heads).SelectMany(head => head.Segments)
            .Sum(segment => segment.Kept?.Bytes.Length ?? 0);
        Assert.Equal(pool.Bytes, whole.Bytes + cache.Bytes - lists);
        whole.Dispose();
        cache.Dispose();
        Assert.Equal(0, pool.Bytes);
    }

    [SkippableTheory]
    [InlineData("k=f32,v=f32,evict=h2o:30%")]
    [InlineData("k=kivi4,v=kivi2,evict=ada:30%")]
    public void An_evicted_cache_is_saved_loaded_forked_and_duplicated_as_it_is(string policy)
    {
        using Model model = GoldenLogitsTests.Load("tiny-llama3.gguf", ComputeMode.Float32);
        int[] ids = Ids(Llama, Prompt + More);
        using KvCache cache = Read(model, policy, ids.AsSpan(0, Prompt), Prompt);
        cache.Seal();
        string path = _folder.Sub("evicted.kv");
        cache.Save(path, ids.AsSpan(0, Prompt));
        using KvCache loaded = model.NewCache(KvPolicy.Parse(policy)), fork = cache.Fork(), copy = cache.Duplicate();
        using (KvFile file = KvFile.Open(path, model.CacheLayout, verify: true)) loaded.Place(file);
        Assert.True(loaded.IsEvicted);
        float[] expected = Feed(model, cache, ids.AsSpan(Prompt));
        foreach (KvCache other in new[] { loaded, fork, copy }) Assert.Equal(expected, Feed(model, other, ids.AsSpan(Prompt)));
    }

    [Fact]
    public void Decoding_goes_on_evicting_and_holds_about_its_share()
    {
        using Model model = Load(Llama, 1000);
        int[] ids = Ids(Llama, 900);
        foreach (string policy in new[] { "evict=h2o:20%", "evict=keydiff:20%", "evict=prefixkv:20%,decode=slide",
            "k=kivi2,v=kivi2,evict=h2o:20%" })
        {
            using KvCache cache = Read(model, policy, ids.AsSpan(0, 300), 300);
            for (int i = 300; i < ids.Length; i++) Feed(model, cache, ids.AsSpan(i, 1));
            int[] counts = [.. cache.Layers.SelectMany(layer => layer.Heads).Select(head => head.Positions().Length)];
            Assert.InRange(counts.Average(), 0.15 * ids.Length, 0.2 * ids.Length + KvCache.DecodedRun + EvictionPolicy.DefaultRecent);
            Assert.All(cache.Layers.SelectMany(layer => layer.Heads), head =>
                Assert.Equal(Enumerable.Range(ids.Length - 32, 32), head.Positions()[^32..]));
        }
        using KvCache all = Read(model, "evict=h2o:20%,decode=all", ids.AsSpan(0, 300), 300);
        Feed(model, all, ids.AsSpan(300));
        Assert.All(all.Layers.SelectMany(layer => layer.Heads), head => Assert.Equal(60 + 600, head.Positions().Length));
    }

    [Fact]
    public void Placed_and_repaired_chunks_are_evicted_where_they_stand()
    {
        using Model model = Load(Llama);
        int[] prefix = Ids(Llama, 10), chunk = Ids(Llama, 70), question = Ids(Llama, 9);
        foreach (string codec in new[] { "k=f32,v=f32", "k=kivi4,v=kivi4" })
        {
            using KvCache alone = model.NewCache(KvPolicy.Parse(codec)), whole = model.NewCache(KvPolicy.Parse(codec)),
                cache = model.NewCache(KvPolicy.Parse(codec));
            Feed(model, alone, prefix);
            alone.Seal();
            Feed(model, alone, chunk);
            int[] all = [.. prefix, .. chunk, .. chunk, .. question];
            foreach (KvCache one in new[] { whole, cache })
            {
                Feed(model, one, prefix);
                one.Place(alone, prefix.Length);
                one.Place(alone, prefix.Length);
                model.Repair(one, [.. Enumerable.Range(80, 20)], chunk.AsSpan(0, 20));
            }
            cache.EvictBy(KvPolicy.Parse($"{codec},evict=tova:100%,recent=0"));
            cache.BeginPrompt(all);
            Feed(model, whole, question);
            Feed(model, cache, question);
            Assert.Null(cache.Repaired);
            float[] expected = Feed(model, whole, [3]), actual = Feed(model, cache, [3]);
            for (int i = 0; i < expected.Length && codec.Contains("f32", StringComparison.Ordinal); i++) Assert.Equal(expected[i],
                actual[i], 1e-4f);

            cache.EvictBy(KvPolicy.Parse($"{codec},evict=tova:50%,recent=0,sink=0"));
            cache.BeginPrompt([.. all, 3, 5]);
            Feed(model, cache, [5]);
            Assert.All(cache.Layers.SelectMany(layer => layer.Heads), head => Assert.InRange(head.Positions().Length, 1, all.Length));
        }
    }

    /// <summary>
    /// By reconstruction FastGen keeps what the attention of a repetition, observed in the definition, asks for: tokens with the largest
    /// weights, enough of them for each query head, and no block more.
    /// </summary>
    [Theory]
    [InlineData(0.4)]
    [InlineData(0.55)]
    [InlineData(0.7)]
    [InlineData(0.8)]
    public void By_reconstruction_each_head_keeps_what_it_looks_at_while_it_repeats_the_prompt(double recovery)
    {
        NaiveTransformer naive = Llama;
        int group = naive.Heads / naive.KvHeads;
        int[] ids = Ids(naive, Prompt);
        using Model model = Load(naive);
        const string letters = "<RepathviousxrĠĊ:";
        string vocabulary = string.Join(',', letters.Select((letter, id) => $"\"{letter}\": {id}"));
        _folder.File("tokenizer.json", $$"""
            {"model": {"type": "BPE", "vocab": { {{vocabulary}} }, "merges": []},
             "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
             "added_tokens": [{"id": {{letters.Length}}, "content": "<s>", "special": true}]}
            """);
        int[] request = model.Tokenizer.Encode("Repeat the previous text:\n\n", parseSpecial: false);
        var sums = Enumerable.Range(0, naive.Layers * naive.Heads).Select(_ => new double[Prompt]).ToArray();
        var largest = Enumerable.Range(0, naive.Layers * naive.KvHeads).Select(_ => new double[Prompt]).ToArray();
        (naive with
        {
            Observe = (layer, head, position, weights) =>
            {
                for (int token = 0; token < Prompt && position >= Prompt; token++)
                {
                    sums[layer * naive.Heads + head][token] += weights[token];
                    ref double most = ref largest[layer * naive.KvHeads + head / group][token];
                    most = Math.Max(most, weights[token]);
                }
            },
        }).Logits([.. ids, .. request, .. ids]);

        string share = recovery.ToString(CultureInfo.InvariantCulture);
        KvPolicy policy = model.Prepare(KvPolicy.Parse($"k=f32,v=f32,evict=fastgen:{share},score=reconstruction,sink=0,recent=0"));
        using KvCache cache = Read(model, policy, ids, 64);
        bool[] always = [.. ids.Select((id, token) => token == 0 || id == letters.Length)];
        int kept = 0;
        for (int head = 0; head < naive.Layers * naive.KvHeads; head++)
        {
            int[] stays = cache.Layers[head / naive.KvHeads].Heads[head % naive.KvHeads].Positions();
            kept += stays.Length;
            Assert.True(stays.Length % KvBlock.Tokens == 0 || stays.Length == Prompt);
            Assert.All(Enumerable.Range(0, Prompt).Where(token => always[token]), token => Assert.Contains(token, stays));
            int[] chosen = [.. stays.Where(token => !always[token]).OrderByDescending(token => largest[head][token])];
            double least = largest[head][chosen[^1]], most = Enumerable.Range(0, Prompt).Except(stays).Select(token => largest[head][token])
                .DefaultIfEmpty().Max();
            Assert.True(least >= most - 1e-5, "the largest weights stay");
            double[] enough = [.. Share(stays)], fewer = [.. Share(stays.Except(chosen[^Math.Min(KvBlock.Tokens, chosen.Length)..]))];
            Assert.All(enough, share => Assert.InRange(share, recovery - 1e-4, 1.0001));
            Assert.True(stays.Length == KvBlock.Tokens || fewer.Min() < recovery + 1e-4, "a block less would not do");

            IEnumerable<double> Share(IEnumerable<int> tokens) => Enumerable.Range(0, group)
                .Select(member => sums[head / naive.KvHeads * naive.Heads + head % naive.KvHeads * group + member])
                .Select(all => tokens.Sum(token => all[token]) / all.Sum());
        }
        Assert.InRange(kept, 1, naive.Layers * naive.KvHeads * Prompt - 1);
    }

    [Fact]
    public void Profiles_are_measured_written_and_used()
    {
        using Model model = Load(Llama);
        string path = _folder.Sub("p.json");
        int[] ids = Ids(Llama, Prompt);
        var received = PromptObservation.Of(model, ids, new Kvasir.Cache.Eviction.ReceivedScore().Needs);
        var score = new Kvasir.Cache.Eviction.ReceivedScore();
        Kvasir.Cache.Eviction.PrefixKvProfile.Of(model.Identity, new Dictionary<string,
            float[][]>
        { ["a"] = [.. received.Select(layer => score.Score(layer)[0])] }, [0.3], false).Save(path);
        KvPolicy policy = model.Prepare(KvPolicy.Parse($"evict=prefixkv:30%,profile={path},recent=0,sink=0"));
        using KvCache profiled = model.NewCache(policy), own = Read(model, "evict=prefixkv:30%,recent=0,sink=0", ids, Prompt);
        profiled.BeginPrompt(ids);
        Feed(model, profiled, ids);
        for (int layer = 0; layer < 2; layer++) Assert.Equal(own.Layers[layer].Heads[0].Positions(), profiled.Layers[layer].Heads[0]
            .Positions());
        InvalidInputException other = Assert.Throws<InvalidInputException>(() =>
            model.Prepare(KvPolicy.Parse($"evict=prefixkv:20%,profile={path}")));
        Assert.Contains("20%", other.Message, StringComparison.Ordinal);
        File.WriteAllText(path, """{"kind":"kvasir-prefixkv","version":1,"model":"other","texts":[],"budgets":{}}""");
        Assert.Contains("another model", Assert.Throws<InvalidInputException>(() => model.Prepare(policy with { })).Message,
            StringComparison.Ordinal);
        foreach (string bad in new[] { "{}", "[1]", "{", """{"kind":"kvasir-prefixkv","model":null,"texts":[],"budgets":{"20":null}}""" })
        {
            File.WriteAllText(path, bad);
            Assert.Contains(path, Assert.Throws<InvalidInputException>(() => model.Prepare(policy)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Policies_that_were_not_prepared_are_refused_before_anything_is_computed()
    {
        using Model model = Load(Llama);
        using KvCache cache = model.NewCache(KvPolicy.Parse("evict=fastgen:.9"));
        Assert.Contains("Prepare", Assert.Throws<InvalidInputException>(() => cache.BeginPrompt(Ids(Llama, 20))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("evict=streaming,budget=200KB", 500, 700)]
    [InlineData("k=kivi2,v=kivi2,evict=streaming,budget=200KB", 300, 700)]
    [InlineData("evict=keydiff:50%,budget=160KB", 700, 90)]
    public void A_budget_is_never_exceeded_however_long_the_sequence(string policy, int steps, int prompt)
    {
        using Model model = Load(Llama, 256);
        KvPolicy parsed = KvPolicy.Parse(policy);
        using KvCache cache = model.NewCache(parsed);
        int[] ids = Ids(Llama, prompt);
        cache.BeginPrompt(ids);
        Feed(model, cache, ids);
        using var batch = new Batch();
        for (int step = 0; step < steps; step++)
        {
            batch.Clear();
            batch.Add(cache, [step % 50]);
            model.Forward(batch);
            Assert.InRange(cache.Bytes, 1, parsed.Eviction!.Budget!.Value);
            Assert.True(float.IsFinite(batch.Logits(0)[0]));
        }
        Assert.Equal(prompt + steps, cache.Length);
        foreach (HeadCache head in cache.Layers.SelectMany(layer => layer.Heads))
        {
            int[] held = head.Positions();
            Assert.Equal([0, 1, 2, 3], held[..4]);
            Assert.Equal(Enumerable.Range(cache.Length - 64, 64), held[^64..]);
            Assert.InRange(held.Length, 96, 256);
        }
    }

    /// <summary>What is left stands as if nothing had been between: a fresh sequence of the same tokens gives the same.</summary>
    [Fact]
    public void The_first_block_is_moved_up_to_the_newest()
    {
        NaiveTransformer naive = Llama with { Layers = 1 };
        using Model model = Load(naive, 256);
        int[] ids = Ids(naive, 400);
        using KvCache cache = model.NewCache(KvPolicy.Parse("k=f32,v=f32,evict=streaming,budget=100KB"));
        float[] actual = Feed(model, cache, ids);
        int[] held = cache.Layers[0].Heads[0].Positions();
        Assert.True(held.Length < ids.Length);
        double[] expected = naive.Logits([.. held.Select(position => ids[position])])[((held.Length - 1) * naive.Vocabulary)..];
        Assert.InRange(Difference(expected, actual), 0, Tolerance);
    }

    [Fact]
    public void A_budget_that_no_head_can_work_with_is_refused()
    {
        using Model model = Load(Llama);
        Assert.Contains("at least",
            Assert.Throws<InvalidInputException>(() => model.NewCache(KvPolicy.Parse("evict=streaming,budget=10KB"))).Message,
            StringComparison.Ordinal);
    }

    private static int[] Streamed(KvPolicy policy)
    {
        HashSet<int> stays = [.. Enumerable.Range(0, policy.Sink),
            .. Enumerable.Range(Prompt - policy.Eviction!.RecentOf(Prompt), policy.Eviction.RecentOf(Prompt))];
        foreach (int token in Enumerable.Range(0, 4).Concat(Enumerable.Range(0, Prompt).Reverse()))
            if (stays.Count < Math.Floor(Prompt * 0.3)) stays.Add(token);
        return [.. stays.Order()];
    }

    private static KvCache Read(Model model, string policy, ReadOnlySpan<int> ids, int slice) =>
        Read(model, KvPolicy.Parse(policy), ids, slice);

    private static KvCache Read(Model model, KvPolicy policy, ReadOnlySpan<int> ids, int slice)
    {
        KvCache cache = model.NewCache(policy);
        cache.BeginPrompt(ids);
        for (int at = 0; at < ids.Length; at += slice) Feed(model, cache, ids.Slice(at, Math.Min(slice, ids.Length - at)));
        return cache;
    }

    private static float[] Feed(Model model, KvCache cache, ReadOnlySpan<int> ids)
    {
        using var batch = new Batch();
        batch.Add(cache, ids);
        model.Forward(batch);
        return batch.Logits(0).ToArray();
    }

    private Model Load(NaiveTransformer naive, int context = 512) =>
        TinyHfModel.Load(naive, _folder, "llama", $$"""
            {"max_position_embeddings": {{context}}, "rope_theta": 10000.0, "hidden_act": "silu"}
            """);
}
