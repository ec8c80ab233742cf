using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Tests.Generation;

/// <summary>Prompts kept on disk: what a later session finds, and what it does with files that are not what they should be.</summary>
public sealed class PromptStoreTests : IDisposable
{
    private const string Exact = "k=f32,v=f32";

    private static readonly GenerationOptions Five = new() { MaxTokens = 5, IgnoreEndOfText = true };
    private static readonly int[] Prompt = [.. Enumerable.Range(0, 900).Select(i => 20 + i * i % 311)];
    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-prompts").FullName;
    private readonly Lazy<Model> _model = new(() => Load(ComputeMode.Float32));

    private string Folder => Path.Combine(_folder, "prompts");

    private string[] Names => [.. Directory.GetFiles(Folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [SkippableTheory]
    [InlineData("k=f16,v=f16")]
    [InlineData("k=f32,v=f32")]
    [InlineData("k=kivi4,v=kivi4")]
    [InlineData("k=kivi2,v=q8,residual=96,sink=64")]
    public void A_stored_prompt_is_continued_as_at_first(string policy)
    {
        GenerationResult first = Complete(Prompt, policy), second = Complete(Prompt, policy);
        Assert.Equal((0, 896), (first.ReusedTokens, second.ReusedTokens));
        Assert.Equal(first.Ids, second.Ids);
        Assert.Equal(first.KvBytes, second.KvBytes);
        int[] longer = [.. Prompt, .. Prompt[..300]];
        GenerationResult reusing = Complete(longer, policy), again = Complete(longer, policy);
        Assert.Equal((896, 1184), (reusing.ReusedTokens, again.ReusedTokens));
        Assert.Equal(reusing.Ids, again.Ids);
        if (policy != Exact) return;
        using var without = new Session(_model.Value, KvPolicy.Parse(policy));
        Assert.Equal(without.Complete(Prompt, Five).Ids, first.Ids);
        Assert.Equal(without.Complete(longer, Five).Ids, reusing.Ids);
    }

    [SkippableTheory]
    [InlineData(1270, 10, 1248)]
    [InlineData(1270, 200, 1248)]
    [InlineData(1280, 33, 1280)]
    [InlineData(700, 5, 672)]
    [InlineData(31, 700, 0)]
    public void What_prompts_share_is_reused_to_the_last_whole_block_of_the_cache(int shared, int own, int reused)
    {
        int[][] prompts = [.. Enumerable.Range(1, 3).Select(p => (int[])[.. Enumerable.Range(0, shared).Select(i => 20 + i * i % 311),
            .. Enumerable.Range(0, own).Select(i => 5 + (7 * i + p) % 300)])];
        using var without = new Session(_model.Value, KvPolicy.Parse(Exact));
        int known = 0;
        foreach (int[] prompt in prompts)
        {
            GenerationResult first = Complete(prompt, Exact), again = Complete(prompt, Exact);
            Assert.Equal(known, first.ReusedTokens);
            Assert.Equal((prompt.Length - 1) / 32 * 32, again.ReusedTokens);
            Assert.Equal(without.Complete(prompt, Five).Ids, first.Ids);
            Assert.Equal(first.Ids, again.Ids);
            known = reused;
        }

        // No part of what they share is there twice.
        long tokens = Directory.GetFiles(Folder).Sum(file => (long)KvFileSummary.Read(file).Tokens);
        int each = (shared + own + Five.MaxTokens - 1) / 32 * 32;
        Assert.Equal(3 * each - 2 * reused, tokens);
    }

    [SkippableTheory]
    [InlineData("k=f16,v=f16")]
    [InlineData("k=kivi3,v=kivi2")]
    public void What_was_loaded_is_stored_again_byte_for_byte(string policy)
    {
        Complete(Prompt, policy);
        var first = Names.ToDictionary(name => name, name => File.ReadAllBytes(Path.Combine(Folder, name)));
        using Session session = NewSession(policy);
        Assert.Equal(896, session.Complete(Prompt, Five).ReusedTokens);
        Directory.Delete(Folder, recursive: true);
        session.Complete([.. Prompt, 5], Five);
        Assert.Equal(first.Keys, Names);
        foreach ((string name, byte[] bytes) in first) Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(Folder, name)));
    }

    [SkippableFact]
    public void Prompts_that_begin_alike_share_their_beginning()
    {
        Complete(Prompt);
        Assert.Equal(4, Names.Length);
        int[] other = [.. Prompt[..600], .. Prompt[..300]];
        Assert.Equal(576, Complete(other).ReusedTokens);
        Assert.Equal(6, Names.Length);
        Assert.Equal(0, Complete([1, .. Prompt]).ReusedTokens);
    }

    [SkippableFact]
    public void Nothing_is_shared_between_policies_or_ways_to_compute()
    {
        Complete(Prompt);
        Assert.Equal(0, Complete(Prompt, "k=f32,v=f32").ReusedTokens);
        using Model rounded = Load(ComputeMode.Int8);
        using var session = new Session(rounded, prompts: new PromptStore(Folder));
        Assert.Equal(0, session.Complete(Prompt, Five).ReusedTokens);
        Assert.Equal(12, Names.Length);
    }

    [SkippableFact]
    public void Short_prompts_are_not_stored()
    {
        Complete(Prompt[..(PromptStore.LeastTokens - 1)]);
        Assert.False(Directory.Exists(Folder));
        Complete(Prompt[..PromptStore.LeastTokens]);
        Assert.NotEmpty(Names);
    }

    [SkippableFact]
    public void An_interrupted_prompt_is_not_stored()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        using Session session = NewSession();
        session.Complete(Prompt, Five, cancellation: stop.Token);
        Assert.False(Directory.Exists(Folder));
    }

    [SkippableTheory]
    [InlineData("cut", 1, 256)]
    [InlineData("changed", 1, 256)]
    [InlineData("another", 1, 256)]
    [InlineData("empty", 1, 256)]
    [InlineData("of another prompt", 1, 256)]
    [InlineData("of another prompt", 3, 768)]
    [InlineData("cut", 3, 768)]
    [InlineData("changed", 3, 768)]
    [InlineData("another", 3, 768)]
    [InlineData("empty", 3, 768)]
    public void A_damaged_file_is_computed_anew(string damage, int damaged, int reused)
    {
        Complete([.. Prompt.Select(id => id + 1)]);
        byte[] strange = File.ReadAllBytes(Chain()[damaged]);
        Directory.Delete(Folder, recursive: true);
        GenerationResult first = Complete(Prompt);
        string[] chain = Chain();
        byte[] good = File.ReadAllBytes(chain[damaged]);
        byte[] bad = damage switch
        {
            "cut" => good[..^100],
            "changed" => [.. good[..^9], (byte)~good[^9], .. good[^8..]],
            "of another prompt" => strange,
            "another" => File.ReadAllBytes(chain[2]),
            _ => [],
        };
        File.WriteAllBytes(chain[damaged], bad);
        GenerationResult second = Complete(Prompt);
        Assert.Equal(reused, second.ReusedTokens);
        Assert.Equal(first.Ids, second.Ids);
        Assert.Equal(good, File.ReadAllBytes(chain[damaged]));
        Assert.Equal(896, Complete(Prompt).ReusedTokens);
    }

    [SkippableFact]
    public void What_follows_a_part_of_a_file_is_stored_from_there()
    {
        Complete(Prompt);
        int[] other = [.. Prompt[..600], .. Prompt[..300]];
        Complete(other);
        Assert.Equal([(0, 256), (256, 256), (512, 256), (576, 192), (768, 128), (768, 128)], Directory.GetFiles(Folder)
            .Select(KvFileSummary.Read).Select(file => (file.FirstPosition, file.Tokens)).Order());
        Assert.Equal(896, Complete(other).ReusedTokens);
    }

    [SkippableFact]
    public void The_quota_takes_the_least_recently_used_and_ends_of_chains_first()
    {
        Complete(Prompt);
        long block = new FileInfo(Chain()[0]).Length;
        int[] other = [.. Prompt.Select(id => id + 1)];
        Complete(other, quota: 5 * block + 100);
        Assert.Equal(5, Names.Length);
        Assert.Equal(896, Complete(other).ReusedTokens);
        Assert.Equal(256, Complete(Prompt, quota: 5 * block + 100).ReusedTokens);
        Assert.Equal(896, Complete(Prompt).ReusedTokens);
        Assert.Equal(256, Complete(other).ReusedTokens);
    }

    [SkippableFact]
    public void A_prompt_larger_than_the_quota_is_kept_as_far_as_it_fits()
    {
        Complete(Prompt);
        long block = new FileInfo(Chain()[0]).Length;
        Directory.Delete(Folder, recursive: true);
        Complete(Prompt, quota: 2 * block + 100);
        Assert.Equal(2, Names.Length);
        Assert.Equal(512, Complete(Prompt).ReusedTokens);
    }

    [SkippableFact]
    public void Later_turns_store_what_they_add()
    {
        using Session session = NewSession();
        int[] conversation = Prompt;
        session.Complete(conversation, Five);
        Assert.Equal(4, Names.Length);
        // The next turn leaves the cache in the middle of a sealed block, which must not move all later blocks.
        conversation = [.. conversation[..890], .. Prompt[..200]];
        GenerationResult turn = session.Complete(conversation, Five);
        Assert.Equal(864, turn.ReusedTokens);
        Assert.Equal(6, Names.Length);
        GenerationResult afterwards = Complete(conversation);
        Assert.Equal(1088, afterwards.ReusedTokens);
        Assert.Equal(turn.Ids, afterwards.Ids);
    }

    [SkippableFact]
    public void A_session_takes_up_what_another_one_stored_further_on()
    {
        using Session session = NewSession();
        session.Complete(Prompt.AsSpan(0, 560), Five);
        GenerationResult whole = Complete(Prompt), here = session.Complete(Prompt, Five);
        Assert.Equal(896, here.ReusedTokens);
        Assert.Equal(whole.Ids, here.Ids);
    }

    [SkippableFact]
    public void A_loaded_conversation_is_stored_as_far_as_its_blocks_are_whole()
    {
        string saved = Path.Combine(_folder, "talk.kv");
        using (var session = new Session(_model.Value))
        {
            session.Complete(Prompt.AsSpan(0, 700), Five);
            session.Save(saved);
        }
        using Session loaded = Session.Load(_model.Value, saved, prompts: new PromptStore(Folder));
        loaded.Continue(Prompt.AsSpan(0, 400), Five);
        Assert.Equal(5, Names.Length);
    }

    [SkippableFact]
    public void Sessions_share_a_small_folder_at_the_same_time()
    {
        int[][] prompts = [.. Enumerable.Range(0, 4).Select(p => Prompt.Select((id, i) => i < 300 ? id : id + p).ToArray())];
        List<IReadOnlyList<int>> expected = [.. prompts.Select(prompt => Complete(prompt).Ids)];
        long block = new FileInfo(Chain()[0]).Length;
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 4 }, turn =>
        {
            // Each has a model of its own, as processes have: only the folder is shared.
            using Model model = Load(ComputeMode.Float32);
            using var session = new Session(model, prompts: new PromptStore(Folder, 3 * block + 100));
            Assert.Equal(expected[turn % 4], session.Complete(prompts[turn % 4], Five).Ids);
        });
        Assert.InRange(Names.Length, 1, 3);
        Assert.All(Names, name => Assert.EndsWith(".kv", name, StringComparison.Ordinal));
    }

    [SkippableFact]
    public void Only_what_is_the_stores_own_is_removed()
    {
        Directory.CreateDirectory(Folder);
        string mine = Path.Combine(Folder, "notes.kv"), left = Path.Combine(Folder, new string('a', 64) + ".kv.0123.tmp"),
            being = Path.Combine(Folder, new string('b', 64) + ".kv.0123");
        foreach (string file in new[] { mine, left, being }) File.WriteAllText(file, "x");
        foreach (string file in new[] { mine, left }) File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-2));
        Complete(Prompt, quota: 1);
        Assert.Equal([true, false, true], new[] { mine, left, being }.Select(File.Exists));
    }

    [SkippableFact]
    public void Prompts_are_for_the_user_alone()
    {
        Complete(Prompt);
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Folder));
        foreach (string file in Directory.GetFiles(Folder))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [SkippableFact]
    public void A_folder_that_cannot_be_written_costs_only_the_storing()
    {
        string blocked = Path.Combine(_folder, "file");
        File.WriteAllText(blocked, "");
        var prompts = new PromptStore(Path.Combine(blocked, "prompts"));
        using var session = new Session(_model.Value, prompts: prompts);
        Assert.Equal(5, session.Complete(Prompt, Five).Ids.Count);
        Assert.NotNull(prompts.Problem);
        Assert.Throws<InvalidInputException>(() => new PromptStore(blocked));
    }

    [SkippableFact]
    public void Storing_keeps_to_the_budget_of_the_pool()
    {
        using var pool = new BlockPool(_model.Value.Forecast(KvPolicy.Parse("k=kivi4,v=kivi4")) is var forecast
            ? forecast.MostBytes(920) + forecast.PassBytes(920, 1) : 0);
        using var session = new Session(_model.Value, KvPolicy.Parse("k=kivi4,v=kivi4"), pool, new PromptStore(Folder));
        session.Complete(Prompt, Five);
        Assert.Equal(4, Names.Length);
        Assert.InRange(pool.MostBytes, 1, pool.Budget);
    }

    public void Dispose()
    {
        if (_model.IsValueCreated) _model.Value.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static Model Load(ComputeMode compute) =>
        Model.Load(SharedData.Require("models/tiny/tiny-llama3.gguf"),
            new ModelOptions { Threads = 1, Compute = compute, ContextLength = 2048 });

    private Session NewSession(string policy = "k=f16,v=f16", long quota = PromptStore.DefaultQuota) =>
        new(_model.Value, KvPolicy.Parse(policy), prompts: new PromptStore(Folder, quota));

    /// <summary>A session of its own, as in another process.</summary>
    private GenerationResult Complete(int[] prompt, string policy = "k=f16,v=f16", long quota = PromptStore.DefaultQuota)
    {
        using Session session = NewSession(policy, quota);
        return session.Complete(prompt, Five);
    }

    /// <summary>The files of the one stored prompt, in the order of their positions.</summary>
    private string[] Chain() => [.. Directory.GetFiles(Folder).OrderBy(file => KvFileSummary.Read(file).FirstPosition)];
}
