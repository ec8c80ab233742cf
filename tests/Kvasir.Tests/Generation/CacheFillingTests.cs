using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Tests.Generation;

/// <summary>Sequences on an engine loop whose beginning is made on another thread.</summary>
public sealed class CacheFillingTests
{
    private static readonly KvPolicy Exact = KvPolicy.Parse("k=f32,v=f32");
    private static readonly GenerationOptions Ten = new() { MaxTokens = 10 };

    [Fact]
    public async Task Beginning_that_is_filled_gives_what_a_computed_one_does_and_holds_up_nobody_meanwhile()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        await using EngineLoop engine = NewEngine(model, new EngineOptions { Policy = Exact });
        string prompt = new string('s', 70) + "question";
        using var mayFill = new ManualResetEventSlim();
        GenerationStream filled = engine.StartFilled(Ids(prompt), Filling(prompt[..70], mayFill.Wait), Ten, null, default);
        await engine.Start(Ids("other"), Ten).CompleteAsync();
        Assert.Null(filled.Result);
        Assert.Equal((0, 1), ((await engine.GetStatusAsync()).Running, (await engine.GetStatusAsync()).Waiting));
        mayFill.Set();
        GenerationResult result = await filled.CompleteAsync();
        using Session alone = model.NewSession();
        Assert.Equal(alone.Complete(prompt, Ten).Text, result.Text);
        Assert.Equal(70, result.ReusedTokens);
    }

    [Fact]
    public async Task Budget_holds_filled_and_computed_beginnings_together()
    {
        long budget = 40 * FakeModel.BlockBytes;
        var model = new FakeModel { Next = FakeModel.Checksum };
        await using EngineLoop engine = NewEngine(
            model, new EngineOptions { Policy = Exact, KvBudget = budget, PrefixBytes = 0, QueueLimit = 200 });
        string[] prompts = [.. Enumerable.Range(0, 80).Select(i => new string((char)('a' + i % 26), 30 + i * 37 % 200) + i)];
        GenerationStream[] streams = [.. prompts.Select((prompt, i) => i % 2 == 0 ? engine.Start(Ids(prompt), Ten)
            : engine.StartFilled(Ids(prompt), Filling(prompt[..^3]), Ten, null, default))];
        foreach ((string prompt, GenerationStream stream) in prompts.Zip(streams))
        {
            using Session alone = model.NewSession();
            Assert.Equal(alone.Complete(prompt, Ten).Text, (await stream.CompleteAsync()).Text);
        }

        EngineStatus status = await engine.GetStatusAsync();
        Assert.InRange(status.MostKvBytes, budget / 3, budget);
        Assert.Equal(0, status.KvBytes);
    }

    [Fact]
    public async Task Beginning_that_cannot_be_filled_ends_its_sequence_alone_and_one_whose_caller_left_leaves_nothing()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        await using EngineLoop engine = NewEngine(model, new EngineOptions { Policy = Exact, PrefixBytes = 0 });
        GenerationStream failing = engine.StartFilled(
            Ids("prompt"), new CacheFilling(Exact, 1, 0, _ => throw new IOException("the disk is gone")), Ten, null, default);
        Assert.Equal("the disk is gone", (await Assert.ThrowsAsync<IOException>(() => failing.CompleteAsync())).Message);
        using var mayFill = new ManualResetEventSlim();
        GenerationStream left = engine.StartFilled(Ids("prompt"), Filling("prom", mayFill.Wait), Ten, null, default);
        left.Cancel();
        mayFill.Set();
        Assert.Equal(FinishReason.Cancelled, (await left.CompleteAsync()).FinishReason);
        Assert.Equal(10, (await engine.Start(Ids("next"), Ten).CompleteAsync()).Ids.Count);
        Assert.Equal((0, 0L), (engine.InFlight, (await engine.GetStatusAsync()).KvBytes));
    }

    [Fact]
    public async Task Stopped_loop_waits_for_the_thread_that_fills()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        EngineLoop engine = NewEngine(model, new EngineOptions { Policy = Exact });
        using var isFilling = new ManualResetEventSlim();
        bool hasFilled = false;
        GenerationStream stream = engine.StartFilled(Ids("prompt"), Filling("prom", () =>
        {
            isFilling.Set();
            Thread.Sleep(50);
            hasFilled = true;
        }), Ten, null, default);
        isFilling.Wait();
        await engine.DisposeAsync();
        Assert.True(hasFilled);
        Assert.Equal(FinishReason.Cancelled, (await stream.CompleteAsync()).FinishReason);
    }

    /// <summary>Fills with what another model of the same kind has computed of the text.</summary>
    private static CacheFilling Filling(string text, Action? before = null) => new(Exact, 1, 0, pool =>
    {
        before?.Invoke();
        var other = new FakeModel();
        using var computed = new KvCache(other.CacheLayout, Exact, new BlockPool());
        using var batch = new Batch();
        batch.Add(computed, Ids(text));
        other.Forward(batch);
        return computed.Duplicate(pool);
    });

    private static EngineLoop NewEngine(FakeModel model, EngineOptions options) => new(model, model.Tokenizer, null, options);

    private static int[] Ids(string text) => [.. text.Select(c => (int)c)];
}
