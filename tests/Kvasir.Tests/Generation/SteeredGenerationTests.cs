using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Reference;
using Kvasir.Tests.Models;

namespace Kvasir.Tests.Generation;

/// <summary>Steered prompts in sessions and schedulers: what of them is reused, kept and saved, and texts that are emphasised.</summary>
public sealed class SteeredGenerationTests : ReferenceComparison
{
    private const string Plain = "k=f32,v=f32", Steered = "k=f32,v=f32,steer=300:310@all*0.01";

    private static readonly NaiveTransformer s_naive = (Llama with { Vocabulary = ByteTokenizer.Size }).WithRandomWeights(3);
    private static readonly GenerationOptions s_three = new() { MaxTokens = 3, IgnoreEndOfText = true };
    private static readonly int[] s_prompt = Ids(s_naive, 540);
    private static readonly SteeredHead[] s_everywhere = [new(SteeredHead.All, SteeredHead.All)];

    [Fact]
    public void A_session_goes_on_from_what_steering_did_not_change_and_says_what_a_fresh_one_does()
    {
        using Model model = Load();
        using Session session = NewSession(model, Plain);
        Emphasis emphasis = new() { Texts = ["300:310"], Heads = s_everywhere };
        foreach ((GenerationOptions options, int reused) in ((GenerationOptions, int)[])
            [(s_three, 0), (s_three with { Emphasis = emphasis }, 300), (s_three with { Emphasis = emphasis }, 539), (s_three, 300)])
        {
            GenerationResult found = session.Complete(s_prompt, options);
            Assert.Equal(reused, found.ReusedTokens);
            using Session fresh = NewSession(model, Plain);
            Assert.Equal(fresh.Complete(s_prompt, options).Ids, found.Ids);
        }
        // In the next turn the prompt ends elsewhere: what was generated in the first one counts as prompt now.
        int[] longer = [.. s_prompt, .. session.Complete(s_prompt, s_three with { Emphasis = emphasis }).Ids, .. s_prompt[..50]];
        Assert.Equal(s_prompt.Length, session.Complete(longer, s_three with { Emphasis = emphasis }).ReusedTokens);
    }

    [SkippableFact]
    public void Prompts_kept_on_disk_are_those_that_no_steering_touched()
    {
        using Model model = LoadWithTokenizer();
        string folder = _folder.Sub("prompts");
        GenerationResult Complete(string policy, bool kept = true)
        {
            using Session session = NewSession(model, policy, kept ? new PromptStore(folder) : null);
            return session.Complete(s_prompt, s_three);
        }

        // What is steered to stands within the second block of 256, or behind it.
        string late = Steered.Replace("300:310", "520:525", StringComparison.Ordinal);
        foreach ((string policy, int reused) in ((string, int)[])[(Steered, 0), (late, 512)])
        {
            IReadOnlyList<int> steered = Complete(policy, kept: false).Ids;
            Assert.Equal(steered, Complete(policy).Ids);
            Assert.Equal(reused / 256, Directory.Exists(folder) ? Directory.GetFiles(folder).Length : 0);
            GenerationResult again = Complete(policy), plain = Complete(Plain);
            Assert.Equal((reused, reused), (again.ReusedTokens, plain.ReusedTokens));
            Assert.Equal(steered, again.Ids);
            Assert.Equal(Complete(Plain, kept: false).Ids, plain.Ids);
            Assert.Equal((reused, 512), (Complete(policy).ReusedTokens, Complete(Plain).ReusedTokens));
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Sequences_share_in_memory_what_no_steering_touched()
    {
        using Model model = Load();
        using var pool = new BlockPool();
        var options = new SchedulerOptions { PrefixCacheBytes = 1 << 24 };
        using var scheduler = new Scheduler(model, new ByteTokenizer(), pool, options, KvPolicy.Parse(Plain));
        GenerationOptions emphasised = s_three with { Emphasis = new() { Texts = ["300:310"], Heads = s_everywhere } };
        ScheduledSequence Run(GenerationOptions how)
        {
            ScheduledSequence sequence = scheduler.Add(s_prompt, how);
            scheduler.RunToEnd();
            return sequence;
        }

        ScheduledSequence first = Run(emphasised), plain = Run(s_three), second = Run(emphasised), again = Run(s_three);
        Assert.Equal([0, 288, 288, 512], [.. new[] { first, plain, second, again }.Select(sequence => sequence.Result!.ReusedTokens)]);
        Assert.Equal(first.Result!.Ids, second.Result!.Ids);
        Assert.Equal(plain.Result!.Ids, again.Result!.Ids);
        Assert.NotEqual(first.Result.Ids, plain.Result.Ids);
    }

    [SkippableFact]
    public void A_steered_conversation_is_saved_as_far_as_steering_makes_no_difference()
    {
        using Model model = LoadWithTokenizer();
        string path = _folder.Sub("talk.kv");
        using (Session session = NewSession(model, Steered))
        {
            session.Complete(s_prompt, s_three);
            session.Save(path);
            Assert.True(session.Ids.Count > 500);
        }
        using KvFile file = KvFile.Open(path, model.CacheLayout, verify: true);
        Assert.Equal((300, Plain), (file.Tokens, file.Policy.ToString()));
    }

    [Fact]
    public void Texts_are_found_wherever_they_stand_and_joined()
    {
        var tokenizer = new ByteTokenizer();
        int[] prompt = tokenizer.Encode("one two three two four");
        SteeringPolicy? On(params string[] texts) =>
            new Emphasis { Texts = texts, Heads = s_everywhere, Alpha = 0.02 }.On(prompt, tokenizer);
        Assert.Equal("steer=4:7+14:17@all*50,steer-mode=include", On("two")!.ToString());
        Assert.Equal("steer=0:9+14:17@all*50,steer-mode=include", On("two", "one", "3:9")!.ToString());
        Assert.Null(On());
        foreach (string missing in new[] { "five", "Two", "7:99", "9:7", "" })
            Assert.Contains($"'{missing}'", Assert.Throws<InvalidInputException>(() => On(missing)).Message, StringComparison.Ordinal);
        foreach (double alpha in new[] { 0, -1, 1.5, double.NaN })
            Assert.Throws<InvalidInputException>(() =>
                new Emphasis { Texts = [], Heads = s_everywhere, Alpha = alpha }.On(prompt, tokenizer));
    }

    /// <summary>
    /// In both forms the same keys are added to, up to a constant; generated ones are as much above the rest as the text.
    /// </summary>
    [Fact]
    public void An_emphasised_text_is_the_official_exclusion_of_all_else()
    {
        var tokenizer = new ByteTokenizer();
        int[] prompt = tokenizer.Encode("one two three");
        var emphasis = new Emphasis { Texts = ["two"], Heads = s_everywhere };
        var emphasised = new Steering(emphasis.On(prompt, tokenizer)!, prompt.Length);
        var excluded = new Steering(KvPolicy.Parse("steer=4:7@all").Steering!, prompt.Length);
        for (int position = 0; position < 20; position++) Assert.Equal(excluded.At(position), emphasised.At(position), 1e-5);
    }

    [SkippableFact]
    public void Texts_of_any_script_are_found_in_the_tokens_that_hold_them()
    {
        var tokenizer = Tokenization.GoldenTokenizers.SmolLm();
        const string Text = "Zürich, 東京 and naïve 😀😀 smileys; <|im_end|> is a text here. Naïve?";
        int[] ids = tokenizer.Encode(Text, parseSpecial: false);
        var bytes = new TokenBytes(tokenizer, ids);
        Assert.Equal(Text, bytes.Text);
        foreach (string part in new[] { "Zürich", "東", "京 and", "naïve", "😀", "<|im_end|>", "e?" })
        {
            int[] places = [.. Enumerable.Range(0, Text.Length).Where(at => string.CompareOrdinal(Text, at, part, 0, part.Length) == 0)];
            TokenSpan[] spans = [.. bytes.Find(part)];
            Assert.Equal(places.Select(at => bytes.Span(at, at + part.Length)), spans);
            foreach (TokenSpan span in spans)
            {
                Assert.Contains(part, tokenizer.Decode(ids.AsSpan(span.First, span.End - span.First)), StringComparison.Ordinal);
                Assert.DoesNotContain(part, tokenizer.Decode(ids.AsSpan(span.First + 1, span.End - span.First - 1)),
                    StringComparison.Ordinal);
                Assert.DoesNotContain(part, tokenizer.Decode(ids.AsSpan(span.First, span.End - span.First - 1)), StringComparison.Ordinal);
            }
        }
        Assert.Empty(bytes.Find("zürich"));
    }

    private static Session NewSession(Model model, string policy, PromptStore? prompts = null) =>
        new(model, new ByteTokenizer(), null, model.NewCache(KvPolicy.Parse(policy)), prompts);

    /// <summary>Files carry the tokenizer's identity.</summary>
    private static Model LoadWithTokenizer() => Model.Load(SharedData.Require("models/tiny/tiny-llama3.gguf"),
        new ModelOptions { Threads = 1, Compute = ComputeMode.Float32, ContextLength = 1024 });

    private Model Load() => TinyHfModel.Load(s_naive, _folder, "llama", """{"rope_theta": 10000.0, "max_position_embeddings": 1024}""");
}
