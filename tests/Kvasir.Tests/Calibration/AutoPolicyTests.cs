using Kvasir.Cache;
using Kvasir.Calibration;
using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Tests.Calibration;

public sealed class AutoPolicyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-auto-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData("3bit", 3)]
    [InlineData("5.3bit", 5.3)]
    [InlineData("25%", 4)]
    [InlineData("100%", 16)]
    [InlineData("99bit", 16)]
    public void Sealed_blocks_keep_to_a_budget_per_value_and_use_it(string budget, double bits)
    {
        using Model model = Tiny();
        KvPolicy policy = model.Prepare(Policy(budget));
        KvLayout layout = model.CacheLayout;
        double found = 0;
        for (int l = 0; l < layout.Layers.Count; l++)
            for (int h = 0; h < layout.Layers[l].KvHeads; h++) found += policy.HeadCodec(layout, l, h).Rest.Bytes;
        found *= 16.0 / (layout.BytesPerTokenF16 * KvBlock.Tokens);
        Assert.InRange(found, bits - 0.75, bits);
    }

    [SkippableTheory]
    [InlineData(160)]
    [InlineData(250)]
    [InlineData(500)]
    public void Whole_context_keeps_to_a_budget_in_bytes(int kilobytes)
    {
        using Model model = Tiny();
        using KvCache cache = model.NewCache(model.Prepare(Policy($"{kilobytes}KB")));
        using var batch = new Batch();
        long most = 0;
        for (int at = 0; at < model.Config.ContextLength; at++)
        {
            batch.Clear();
            batch.Add(cache, [at % 300], LogitRows.None);
            model.Forward(batch);
            most = Math.Max(most, cache.Bytes);
        }
        Assert.InRange(most, Math.Min(kilobytes * 1024 * 0.8, model.Config.ContextLength * model.CacheLayout.BytesPerTokenF16 * 0.9),
            kilobytes * 1024);
    }

    [SkippableTheory]
    [InlineData("2bit")]
    [InlineData("10%")]
    [InlineData("100KB")]
    [InlineData("1KB")]
    public void Budget_below_the_smallest_codecs_is_refused(string budget)
    {
        using Model model = Tiny();
        Assert.Contains("auto:" + budget, Assert.Throws<InvalidInputException>(() => model.Prepare(Policy(budget))).Message,
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Policy_that_was_not_prepared_is_refused_with_what_to_call()
    {
        using Model model = Tiny();
        Assert.Contains("Prepare", Assert.Throws<InvalidInputException>(() => model.NewCache(KvPolicy.Parse("auto:3bit"))).Message,
            StringComparison.Ordinal);
        KvPolicy plain = KvPolicy.Parse("k=kivi4,v=kivi2");
        Assert.Same(plain, model.Prepare(plain));
    }

    [SkippableFact]
    public void Policy_prepared_for_another_model_is_refused()
    {
        using Model model = Tiny(),
            other = Model.Load(SharedData.Require("models/tiny/tiny-gemma2.gguf"), new ModelOptions { Threads = 1 });
        KvPolicy policy = model.Prepare(Policy("4bit"));
        Assert.Contains("another model", Assert.Throws<InvalidInputException>(() => other.NewCache(policy)).Message,
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Conversation_goes_on_from_a_file_whose_heads_have_codecs_of_their_own()
    {
        using Model model = Tiny();
        KvPolicy policy = model.Prepare(Policy("4bit"));
        Assert.True(policy.Chosen!.Layers.SelectMany(layer => layer).Distinct().Count() > 1, "all heads were given the same codecs");
        int[] prompt = [.. Enumerable.Range(0, 200).Select(i => i * 37 % 300)];
        var options = new GenerationOptions { MaxTokens = 40, Sampler = new SamplerOptions { Temperature = 0 } };
        using var session = new Session(model, policy);
        session.Complete(prompt, options);
        session.Save(At("c.kv"));
        using Session loaded = Session.Load(model, At("c.kv"));
        using Session prepared = Session.Load(model, At("c.kv"), policy);
        Assert.Equal(session.Ids, loaded.Ids);
        int[] longer = [.. session.Ids, 5, 6, 7];
        Assert.Equal(prepared.Complete(longer, options).Ids, loaded.Complete(longer, options).Ids);
        Assert.Equal(prepared.KvBytes, loaded.KvBytes);
    }

    [SkippableFact]
    public void Single_head_is_encoded_anew_and_all_others_stay()
    {
        using Model model = Tiny();
        using KvCache exact = model.NewCache(new KvPolicy { Sink = 32, Residual = 32 });
        using var batch = new Batch();
        batch.Add(exact, [.. Enumerable.Range(0, 160)], LogitRows.None);
        model.Forward(batch);
        LayerLayout shape = model.CacheLayout.Layers[1];
        BlockCodec f16 = model.CacheLayout.Codecs.Block(shape, "f16", "f16");
        using KvCache fork = exact.ForkWith(1, 0, new HeadCodec(f16, model.CacheLayout.Codecs.Block(shape, "kivi2/32/8", "f16"), 32, 32));
        for (int l = 0; l < 2; l++)
            for (int h = 0; h < 2; h++)
                Assert.Equal(l == 1 && h == 0, fork.Layers[l].Heads[h].Segments.Any(segment => segment.Codec.Keys.Name == "kivi2/32/8"));
        Assert.Equal(exact.Length, fork.Length);
    }

    private Model Tiny()
    {
        Model model = Model.Load(SharedData.Require("models/tiny/tiny-llama3.gguf"), new ModelOptions { Threads = 1 });
        MadeUpProfile.For(model).Save(At("p.json"));
        return model;
    }

    private KvPolicy Policy(string budget) => KvPolicy.Parse($"auto:{budget},profile={At("p.json")}");

    private string At(string name) => Path.Combine(_folder, name);
}
