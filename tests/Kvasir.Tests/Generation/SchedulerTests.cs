using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Tests.Generation;

public class SchedulerTests
{
    [Fact]
    public void Sequences_in_a_batch_answer_as_they_do_alone()
    {
        var random = new Random(9);
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var scheduler = model.NewScheduler(new SchedulerOptions { TokensPerStep = 16, MaxRunning = 5, PrefixCacheBytes = 50_000 });
        var expected = new List<(ScheduledSequence Sequence, string Text)>();
        for (int i = 0; i < 40; i++)
        {
            string prompt =
                new([.. Enumerable.Repeat('s', 40 * random.Next(2)), .. Enumerable.Range(0, random.Next(1, 60))
                    .Select(_ => (char)('a' + random.Next(26)))]);
            var options = new GenerationOptions { MaxTokens = random.Next(1, 30) };
            using var alone = model.NewSession();
            string text = alone.Complete(prompt, options).Text;
            expected.Add((scheduler.Add(Ids(prompt), options), text));
            for (int step = random.Next(4); step > 0; step--) scheduler.Step();
        }

        model.BatchSizes.Clear();
        scheduler.RunToEnd();
        Assert.All(expected, pair => Assert.Equal(pair.Text, pair.Sequence.Result!.Text));
        Assert.All(model.BatchSizes, size => Assert.InRange(size, 1, 16));
    }

    [SkippableFact]
    public void Sequences_of_different_policies_answer_as_they_do_alone()
    {
        using Model model = Model.Load(
            SharedData.Require("models/tiny/tiny-llama3.gguf"), new ModelOptions { Threads = 1, Compute = ComputeMode.Float32 });
        KvPolicy[] policies = [KvPolicy.Parse("k=f32,v=f32"), KvPolicy.Parse("k=kivi2,v=kivi2"), KvPolicy.Parse("k=q8,v=kivi4,sink=32")];
        int[] prompt = [.. Enumerable.Range(0, 150).Select(i => 20 + i * i % 311)]; // all three fit into one step
        using var scheduler = new Scheduler(
            model, new SchedulerOptions { PrefixCacheBytes = 1 << 24, Policies = policies[1..] }, policies[0]);
        List<GenerationResult> results = [.. policies.Select(policy =>
        {
            using var by = new Scheduler(model, policy: policy);
            ScheduledSequence sequence = by.Add(prompt, new GenerationOptions { MaxTokens = 60, IgnoreEndOfText = true });
            by.RunToEnd();
            return sequence.Result!;
        })];
        List<IReadOnlyList<int>> alone = [.. results.Select(result => result.Ids)];
        List<long> bytes = [.. results.Select(result => result.KvBytes)];
        Assert.Equal(3, bytes.Distinct().Count());
        Assert.Equal(3, alone.DistinctBy(ids => string.Join(' ', ids)).Count());
        for (int round = 0; round < 2; round++)
        {
            ScheduledSequence[] together = [.. policies.Select(policy => scheduler.Add(
                prompt, new GenerationOptions { MaxTokens = 60, IgnoreEndOfText = true, Policy = policy }))];
            scheduler.RunToEnd();
            // The second time each goes on from what one of its own kind has left.
            Assert.All(together, sequence => Assert.Equal(round * 128, sequence.Result!.ReusedTokens));
            Assert.Equal(bytes, together.Select(sequence => sequence.Result!.KvBytes));
            if (round == 0) Assert.Equal(alone, together.Select(sequence => sequence.Result!.Ids));
            else Assert.Equal(alone[0], together[0].Result!.Ids);
        }

        Assert.Throws<InvalidInputException>(() => scheduler.Add(prompt, new GenerationOptions { Policy = KvPolicy.Parse("k=f16,v=f16") }));
    }

    [Fact]
    public void New_sequence_joins_without_holding_up_the_running_one()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var scheduler = model.NewScheduler(new SchedulerOptions { TokensPerStep = 10, MaxRunning = 4 });
        string streamed = "";
        scheduler.Add(Ids("abc"), new GenerationOptions { MaxTokens = 8 }, piece => streamed += piece);
        scheduler.Step();
        scheduler.Add(Ids(new string('x', 27)), new GenerationOptions { MaxTokens = 2 });
        for (int step = 2; step <= 4; step++)
        {
            scheduler.Step();
            Assert.Equal(step, streamed.Length);
        }

        Assert.Equal([3, 10, 10, 10], model.BatchSizes);
        Assert.Equal([1, 2, 2, 2], model.BatchSequences);
    }

    [Fact]
    public void Shared_beginning_is_computed_once()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var scheduler = model.NewScheduler(new SchedulerOptions { PrefixCacheBytes = 1 << 20 });
        string system = new('s', 70);
        scheduler.Add(Ids(system + "first"), new GenerationOptions { MaxTokens = 1 });
        scheduler.RunToEnd();
        ScheduledSequence second = scheduler.Add(Ids(system + "second"), new GenerationOptions { MaxTokens = 1 });
        scheduler.RunToEnd();
        Assert.Equal(64, second.Result!.ReusedTokens);
        Assert.Equal([75, 12], model.BatchSizes);
    }

    [Fact]
    public void Sequence_goes_on_from_the_cache_it_brings()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var scheduler = model.NewScheduler(new SchedulerOptions { PrefixCacheBytes = 1 << 20 });
        using var alone = model.NewSession();
        string prompt = new string('s', 70) + "question";
        string text = alone.Complete(prompt, new GenerationOptions { MaxTokens = 5 }).Text;
        model.BatchSizes.Clear();
        ScheduledSequence sequence = scheduler.Add(Filled(model, prompt, 70), Ids(prompt), new GenerationOptions { MaxTokens = 5 });
        scheduler.RunToEnd();
        Assert.Equal((text, 70), (sequence.Result!.Text, sequence.Result.ReusedTokens));
        Assert.Equal([8, 1, 1, 1, 1], model.BatchSizes);

        // What was placed there is not what the ids alone would give: it is no beginning for others.
        ScheduledSequence other = scheduler.Add(Ids(prompt), new GenerationOptions { MaxTokens = 1 });
        scheduler.RunToEnd();
        Assert.Equal(0, other.Result!.ReusedTokens);
        Assert.Throws<ArgumentException>(() => scheduler.Add(Filled(model, prompt, 70), Ids(prompt[..70])));
    }

    [Fact]
    public void Prompts_can_be_read_in_passes_of_their_own()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var scheduler = model.NewScheduler(new SchedulerOptions { TokensPerStep = 10, MaxRunning = 3 });
        var limits = new GenerationOptions { MaxTokens = 3 };
        scheduler.Add(Ids("abc"), limits);
        Assert.True(scheduler.Prefill());
        scheduler.Add(Ids("12345678"), limits);
        ScheduledSequence filled = scheduler.Add(Filled(model, "abcdefgh", 6), Ids("abcdefgh"), limits);
        string early = "";
        scheduler.Add(Ids("x"), limits, piece => early += piece);
        while (scheduler.Prefill())
        {
        }

        Assert.Equal("", early);
        Assert.Equal([3, 10], model.BatchSizes);
        scheduler.Step();
        Assert.Equal([3, 10, 3], model.BatchSizes);
        scheduler.RunToEnd();
        Assert.Equal(3, filled.Result!.Ids.Count);
        Assert.Equal(3, early.Length);
    }

    [Fact]
    public void Cancelled_sequence_frees_the_cache_it_brought()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var scheduler = model.NewScheduler(new SchedulerOptions { MaxRunning = 1 });
        scheduler.Add(Filled(model, "abc", 2), Ids("abc"), new GenerationOptions { MaxTokens = 2 });
        ScheduledSequence waiting = scheduler.Add(Filled(model, "abcdef", 4), Ids("abcdef"));
        scheduler.Step();
        Assert.Equal((1, 1, 2 * FakeModel.BlockBytes), (scheduler.Running, scheduler.Waiting, model.Pool.Bytes));
        waiting.Cancel();
        scheduler.RunToEnd();
        Assert.Equal(FinishReason.Cancelled, waiting.Result!.FinishReason);
        Assert.Equal((0L, 0L), (scheduler.ReservedBytes, model.Pool.Bytes));
    }

    [Fact]
    public void Cancelled_sequences_end_before_the_next_step()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var scheduler = model.NewScheduler();
        ScheduledSequence running = scheduler.Add(Ids("abc"));
        scheduler.Step();
        ScheduledSequence waiting = scheduler.Add(Ids("abc"));
        running.Cancel();
        waiting.Cancel();
        Assert.False(scheduler.Step());
        Assert.Equal(FinishReason.Cancelled, running.Result!.FinishReason);
        Assert.Equal(FinishReason.Cancelled, waiting.Result!.FinishReason);
        Assert.Single(running.Result.Ids);
    }

    [Fact]
    public void Every_cache_is_freed()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        var scheduler = model.NewScheduler(new SchedulerOptions { PrefixCacheBytes = 10_000 });
        for (int i = 0; i < 20; i++) scheduler.Add(Ids(new string((char)('a' + i), 50)), new GenerationOptions { MaxTokens = 3 + i });
        for (int step = 0; step < 10; step++) scheduler.Step();
        scheduler.Dispose();
        Assert.Equal(0, model.Pool.Bytes);
    }

    [Fact]
    public void Failed_pass_fails_its_sequence_and_frees_it()
    {
        var model = new FakeModel { OnRun = _ => throw new InvalidOperationException("broken") };
        using var scheduler = model.NewScheduler();
        ScheduledSequence sequence = scheduler.Add(Ids("abc"));
        Assert.True(scheduler.Step());
        Assert.Equal("broken", Assert.IsType<InvalidOperationException>(sequence.Failure).Message);
        Assert.Equal((0, 0L), (scheduler.Count, model.Pool.Bytes));
    }

    [Fact]
    public void Sequence_that_makes_a_pass_fail_ends_alone_and_the_others_lose_nothing()
    {
        using var undisturbed = new FakeModel { Next = FakeModel.Checksum }.NewScheduler();
        var model = new FakeModel { Next = FakeModel.Checksum };
        using var scheduler = model.NewScheduler();
        var options = new GenerationOptions { MaxTokens = 12 };
        string[] prompts = ["first", "second", "third"];
        ScheduledSequence[] expected = [.. prompts.Select(prompt => undisturbed.Add(Ids(prompt), options))],
            actual = [.. prompts.Select(prompt => scheduler.Add(Ids(prompt), options))];
        undisturbed.RunToEnd();
        for (int step = 0; step < 4; step++) scheduler.Step();
        model.OnRun = caches => { if (caches.Any(ids => ids[0] == 's')) throw new DamagedKvException("x.kv", 0); };
        scheduler.RunToEnd();
        Assert.IsType<DamagedKvException>(actual[1].Failure);
        Assert.Equal((expected[0].Result!.Text, expected[2].Result!.Text), (actual[0].Result!.Text, actual[2].Result!.Text));
    }

    private static int[] Ids(string text) => [.. text.Select(character => (int)character)];

    private static KvCache Filled(FakeModel model, string text, int tokens) => model.Filled(Ids(text[..tokens]));
}
