using Kvasir.Cache;
using Kvasir.Generation;

namespace Kvasir.Tests.Generation;

public sealed class EngineLoopTests
{
    private static readonly KvPolicy Exact = KvPolicy.Parse("k=f32,v=f32");

    [Fact]
    public async Task Many_callers_get_what_each_would_get_alone()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        await using EngineLoop engine = Start(model, new EngineOptions { Parallel = 4, QueueLimit = 100, PrefixBytes = 50_000 });
        string[] prompts = [.. Enumerable.Range(0, 60).Select(i => new string('s', 40 * (i % 2)) + $"prompt {i}")];
        string[] texts = await Task.WhenAll(prompts.Select(async prompt =>
        {
            await Task.Yield();
            return (await engine.Start(Ids(prompt), new GenerationOptions { MaxTokens = 5 + prompt.Length % 7 }).CompleteAsync()).Text;
        }));
        foreach ((string prompt, string text) in prompts.Zip(texts))
        {
            using Session alone = model.NewSession();
            Assert.Equal(alone.Complete(prompt, new GenerationOptions { MaxTokens = 5 + prompt.Length % 7 }).Text, text);
        }

        EngineStatus status = await engine.GetStatusAsync();
        Assert.Equal((0, 0, 60), (status.Running, status.Waiting, status.Finished));
        Assert.Equal(status.PrefixBytes, status.Layers.Sum(layer => layer.Bytes));
    }

    [Fact]
    public async Task Callers_that_leave_free_their_bytes()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        await using EngineLoop engine = Start(model, new EngineOptions { Parallel = 2, PrefixBytes = 0 });
        for (int i = 0; i < 20; i++)
        {
            await foreach (GeneratedText _ in engine.Start(Ids("abc"), new GenerationOptions { MaxTokens = 1 << 18 })) break;
            using var cancelled = new CancellationTokenSource();
            engine.Start(Ids("abd"), new GenerationOptions { MaxTokens = 1 << 18 }, cancelled.Token);
            await cancelled.CancelAsync();
        }

        await Until(() => engine.InFlight == 0);
        Assert.Equal(0, (await engine.GetStatusAsync()).KvBytes);
    }

    [Fact]
    public async Task Full_queue_refuses_and_says_when_to_come_again()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        await using EngineLoop engine = Start(model, new EngineOptions { Parallel = 1, QueueLimit = 1 });
        GenerationStream first = engine.Start(Ids("a"), new GenerationOptions { MaxTokens = 1 << 18 });
        GenerationStream second = engine.Start(Ids("b"), new GenerationOptions { MaxTokens = 3 });
        Assert.InRange(Assert.Throws<QueueFullException>(() => engine.Start(Ids("c"))).RetryAfter.TotalSeconds, 1, 60);
        first.Cancel();
        Assert.Equal(3, (await second.CompleteAsync()).Ids.Count);
        Assert.Equal(FinishReason.Cancelled, (await first.CompleteAsync()).FinishReason);
    }

    [Fact]
    public async Task What_the_budget_could_never_hold_is_refused_at_the_door()
    {
        var model = new FakeModel();
        await using EngineLoop engine = Start(model, new EngineOptions { KvBudget = 60 * FakeModel.BlockBytes });
        Assert.Throws<KvBudgetExceededException>(() => engine.Start(Ids("a"), new GenerationOptions { MaxTokens = 10_000 }));
        Assert.Throws<InvalidInputException>(() => engine.Start([]));
        Assert.Equal("bcd", (await engine.Start(Ids("a"), new GenerationOptions { MaxTokens = 3 }).CompleteAsync()).Text);
    }

    [Fact]
    public async Task Stopping_lets_what_runs_end_and_begins_nothing()
    {
        var model = new FakeModel { Next = FakeModel.Checksum };
        EngineLoop engine = Start(model, new EngineOptions());
        GenerationStream running = engine.Start(Ids("abc"), new GenerationOptions { MaxTokens = 200 });
        Task stopping = engine.StopAsync(TimeSpan.FromMinutes(1));
        Assert.Throws<EngineStoppedException>(() => engine.Start(Ids("abc")));
        Assert.Equal(200, (await running.CompleteAsync()).Ids.Count);
        await stopping;
        await engine.DisposeAsync();
    }

    [Fact]
    public async Task Failing_pass_ends_its_own_sequence_alone()
    {
        var model = new FakeModel
        {
            Next = FakeModel.Checksum,
            OnRun = batch => _ = batch.Any(ids => ids.Contains('!')) ? throw new InvalidOperationException("broken") : 0,
        };
        await using EngineLoop engine = Start(model, new EngineOptions());
        GenerationStream good = engine.Start(Ids("abc"), new GenerationOptions { MaxTokens = 50 });
        GenerationStream bad = engine.Start(Ids("ab!"), new GenerationOptions { MaxTokens = 50 });
        await Assert.ThrowsAsync<InvalidOperationException>(() => bad.CompleteAsync());
        Assert.Equal(50, (await good.CompleteAsync()).Ids.Count);
    }

    [Fact]
    public async Task Probabilities_come_with_their_pieces()
    {
        var model = new FakeModel();
        await using EngineLoop engine = Start(model, new EngineOptions());
        GenerationStream stream = engine.Start(Ids("a"), new GenerationOptions { MaxTokens = 3, TopLogprobs = 2 });
        var ids = new List<int>();
        await foreach (GeneratedText piece in stream) ids.AddRange(piece.Logprobs.Select(one => one.Id));
        Assert.Equal([.. "bcd".Select(c => (int)c)], ids);
        Assert.All(stream.Result!.Logprobs, one => Assert.Equal(10 - Math.Log(Math.Exp(10) + ByteTokenizer.Size - 1), one.Logprob, 4));
        Assert.All(stream.Result!.Logprobs, one => Assert.Equal((one.Id, one.Logprob), one.Top[0]));
    }

    private static EngineLoop Start(FakeModel model, EngineOptions options) =>
        new(model, model.Tokenizer, null, options with { Policy = Exact });

    private static async Task Until(Func<bool> holds)
    {
        for (int i = 0; i < 1000 && !holds(); i++) await Task.Delay(10);
        Assert.True(holds());
    }

    private static int[] Ids(string text) => new ByteTokenizer().Encode(text);
}
