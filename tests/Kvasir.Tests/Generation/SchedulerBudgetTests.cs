using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Tests.Models;

namespace Kvasir.Tests.Generation;

public class SchedulerBudgetTests
{
    private static readonly KvForecast Forecast = new FakeModel().Forecast();

    [Fact]
    public void As_many_run_as_fit_and_the_others_wait_in_their_order()
    {
        // Each may come to hold 10 + 6 - 1 tokens, in one block.
        var model = new FakeModel { Next = FakeModel.Checksum, Budget = 3 * FakeModel.BlockBytes + Forecast.PassBytes(512, 3) };
        using var scheduler = model.NewScheduler();
        ScheduledSequence[] sequences =
            [.. Enumerable.Range(0, 5).Select(i => scheduler.Add(Ids(10), new GenerationOptions { MaxTokens = 6 }))];
        scheduler.Step();
        Assert.Equal((3, 2, 3 * FakeModel.BlockBytes), (scheduler.Running, scheduler.Waiting, scheduler.ReservedBytes));
        scheduler.RunToEnd();
        Assert.All(sequences, sequence => Assert.Equal(6, sequence.Result!.Ids.Count));
        Assert.Equal((3, 0L), (scheduler.MostRunning, scheduler.ReservedBytes));
        Assert.Equal(6 + 6, model.BatchSizes.Count);
    }

    [Fact]
    public void Large_sequence_is_not_overtaken_by_small_ones()
    {
        var model = new FakeModel { Next = FakeModel.Checksum, Budget = 4 * FakeModel.BlockBytes + Forecast.PassBytes(512, 2) };
        using var scheduler = model.NewScheduler();
        scheduler.Add(Ids(40), new GenerationOptions { MaxTokens = 9 });
        scheduler.Step();
        ScheduledSequence large = scheduler.Add(Ids(80), new GenerationOptions { MaxTokens = 2 });
        ScheduledSequence[] small =
            [.. Enumerable.Range(0, 20).Select(_ => scheduler.Add(Ids(2), new GenerationOptions { MaxTokens = 3 }))];
        while (!large.IsFinished)
        {
            Assert.All(small, sequence => Assert.False(sequence.IsFinished));
            Assert.True(scheduler.Step());
        }
        scheduler.RunToEnd();
        Assert.All(small, sequence => Assert.NotNull(sequence.Result));
    }

    [Fact]
    public void Sequence_that_can_never_fit_fails_alone()
    {
        var model = new FakeModel { Next = FakeModel.Checksum, Budget = 2 * FakeModel.BlockBytes + Forecast.PassBytes(512, 1) };
        using var scheduler = model.NewScheduler();
        ScheduledSequence fits = scheduler.Add(Ids(20), new GenerationOptions { MaxTokens = 45 });
        ScheduledSequence never = scheduler.Add(Ids(20), new GenerationOptions { MaxTokens = 46 });
        ScheduledSequence unlimited = scheduler.Add(Ids(1));
        scheduler.RunToEnd();
        Assert.Equal(45, fits.Result!.Ids.Count);
        Assert.Equal(
            $"the sequence may grow to 65 tokens (20 of them its prompt), but the KV budget of {model.Pool.Budget:N0} bytes holds 64; "
            + "raise the budget, or allow fewer new tokens", Assert.IsType<KvBudgetExceededException>(never.Failure).Message);
        Assert.IsType<KvBudgetExceededException>(unlimited.Failure);
    }

    [Fact]
    public void Filled_cache_is_promised_its_bytes_from_the_start_or_refused()
    {
        var model = new FakeModel { Next = FakeModel.Checksum, Budget = 2 * FakeModel.BlockBytes + Forecast.PassBytes(512, 3) };
        using var scheduler = model.NewScheduler(new SchedulerOptions { MaxRunning = 1 });
        var limits = new GenerationOptions { MaxTokens = 6 };
        ScheduledSequence fits = scheduler.Add(Filled(15), Ids(20), limits), waits = scheduler.Add(Filled(10), Ids(20), limits);
        Assert.Equal(2 * FakeModel.BlockBytes, scheduler.ReservedBytes);
        ScheduledSequence refused = scheduler.Add(Filled(10), Ids(20), limits), later = scheduler.Add(Ids(20), limits);
        Assert.Equal(
            $"the sequence may grow to 25 tokens, {FakeModel.BlockBytes:N0} bytes, but the KV budget of {model.Pool.Budget:N0} bytes has "
            + $"{2 * FakeModel.BlockBytes:N0} promised to others; let some end first, raise the budget, or allow fewer new tokens",
            Assert.IsType<KvBudgetExceededException>(refused.Failure).Message);
        Assert.Equal(2 * FakeModel.BlockBytes, model.Pool.Bytes);
        scheduler.RunToEnd();
        Assert.All(new[] { fits, waits, later }, sequence => Assert.Equal(6, sequence.Result!.Ids.Count));
        Assert.Equal((0L, 0L), (scheduler.ReservedBytes, model.Pool.Bytes));

        KvCache Filled(int tokens) => model.Filled(Ids(tokens));
    }

    [Fact]
    public void Reservation_ends_at_the_context()
    {
        var model = new FakeModel
        {
            Next = FakeModel.Checksum,
            Budget = 2 * FakeModel.BlockBytes + Forecast.PassBytes(512, 1),
            ContextLength = 50
        };
        using var scheduler = model.NewScheduler();
        ScheduledSequence sequence = scheduler.Add(Ids(20));
        scheduler.RunToEnd();
        Assert.Equal((FinishReason.Context, 2 * FakeModel.BlockBytes), (sequence.Result!.FinishReason, sequence.MostBytes));
    }

    [Fact]
    public void Random_comings_and_goings_stay_under_the_budget_and_all_finish()
    {
        var random = new Random(5);
        var model = new FakeModel { Next = FakeModel.Checksum, Budget = 10 * FakeModel.BlockBytes + Forecast.PassBytes(40, 4) };
        using var scheduler = model.NewScheduler(
            new SchedulerOptions { TokensPerStep = 40, MaxRunning = 8, PrefixCacheBytes = 3 * FakeModel.BlockBytes });
        var all = new List<ScheduledSequence>();
        for (int i = 0; i < 200; i++)
        {
            int[] prompt = [.. Ids(32 * random.Next(3)), .. Ids(random.Next(1, 60), 'q')];
            all.Add(scheduler.Add(prompt, new GenerationOptions { MaxTokens = random.Next(1, 40) }));
            if (random.Next(10) == 0) all[random.Next(all.Count)].Cancel();
            for (int step = random.Next(5); step > 0; step--) scheduler.Step();
        }
        scheduler.RunToEnd();
        Assert.All(all, sequence => Assert.NotNull(sequence.Result));
        Assert.True(scheduler.MostRunning > 1);
        Assert.True(model.Pool.MostBytes <= model.Pool.Budget);
        Assert.Equal(0, scheduler.ReservedBytes);
    }

    [SkippableTheory]
    [InlineData("k=f16,v=f16", 64)]
    [InlineData("k=kivi2,v=kivi2", 64)]
    [InlineData("k=kivi4,v=kivi3,residual=64,sink=0", 1300)]
    [InlineData("k=f32,v=f32", 300)]
    public void Admitted_sequences_never_meet_a_full_budget(string kv, int tokensPerStep)
    {
        using Model model = GoldenLogitsTests.Load("tiny-llama3.gguf", ComputeMode.Int8);
        KvPolicy policy = KvPolicy.Parse(kv);
        KvForecast forecast = model.Forecast(policy);
        var random = new Random(7);
        using var pool = new BlockPool(3 * forecast.MostBytes(300) + forecast.PassBytes(tokensPerStep, 3));
        using (var scheduler = new Scheduler(
            model, new SchedulerOptions { TokensPerStep = tokensPerStep, MaxRunning = 16, PrefixCacheBytes = 1 << 20 }, policy, pool))
        {
            ScheduledSequence[] all = [.. Enumerable.Range(0, 24).Select(i => scheduler.Add(
                [.. Enumerable.Range(0, random.Next(1, 280)).Select(t => (t * 37 + i % 3 * 11) % model.Config.Vocabulary)],
                new GenerationOptions { MaxTokens = random.Next(1, 21), IgnoreEndOfText = true }))];
            scheduler.RunToEnd();
            Assert.All(all, sequence => Assert.NotNull(sequence.Result));
            Assert.True(scheduler.MostRunning >= 3);
            Assert.True(pool.MostBytes <= pool.Budget);
        }
        Assert.Equal(0, pool.Bytes);
    }

    [SkippableFact]
    public void Session_refuses_a_prompt_that_its_budget_cannot_hold_and_says_what_it_can()
    {
        using Model model = GoldenLogitsTests.Load("tiny-llama3.gguf", ComputeMode.Int8);
        int fits = model.Forecast().MostTokens(150_000);
        Assert.InRange(fits, 10, 500);
        using var pool = new BlockPool(150_000);
        using var session = new Session(model, pool: pool);
        int[] prompt = [.. Enumerable.Range(0, fits + 1).Select(i => i % model.Config.Vocabulary)];
        string message = Assert.Throws<InvalidInputException>(() =>
            session.Complete(prompt, new GenerationOptions { MaxTokens = 1 })).Message;
        Assert.Contains($"{fits + 1} tokens", message, StringComparison.Ordinal);
        Assert.Contains($"holds {fits};", message, StringComparison.Ordinal);
        Assert.Single(session.Complete(prompt.AsSpan(0, fits), new GenerationOptions { MaxTokens = 1, IgnoreEndOfText = true }).Ids);
        Assert.True(pool.MostBytes <= pool.Budget);
    }

    private static int[] Ids(int count, char letter = 'a') => [.. Enumerable.Repeat((int)letter, count)];
}
