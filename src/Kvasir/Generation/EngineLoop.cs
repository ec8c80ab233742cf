using System.Collections.Concurrent;
using Kvasir.Cache;
using Kvasir.Generation.Constraints;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>
/// One thread that steps a <see cref="Scheduler"/> for callers on any thread: what they start is decoded together, waits for its bytes
/// in the order it came, and shares the beginnings of prompts with what ran before.
/// </summary>
public sealed class EngineLoop : IDisposable, IAsyncDisposable
{
    private readonly EngineOptions _options;
    private readonly BlockPool _pool;
    private readonly Func<Scheduler> _newScheduler;
    private readonly ConcurrentQueue<GenerationStream> _arrived = new();
    private readonly ConcurrentQueue<Action> _questions = new();
    private readonly List<GenerationStream> _active = [];
    private readonly SemaphoreSlim _work = new(0);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _entrance = new();
    private Scheduler _scheduler;
    private volatile bool _stopping, _stopped;
    private int _inFlight;
    private double _secondsPerGeneration = 1;
    private long _finished, _promptTokens, _reusedTokens, _generatedTokens;

    /// <summary>Starts the thread.</summary>
    /// <param name="model">The model; not disposed with the loop, and in use until it has stopped.</param>
    /// <param name="options">Limits.</param>
    /// <exception cref="InvalidInputException">An option is out of its range.</exception>
    public EngineLoop(Model model, EngineOptions? options = null)
        : this((model ?? throw new ArgumentNullException(nameof(model))), model.Tokenizer, model.ChatTemplate, options)
    { }

    internal EngineLoop(IForwardEngine engine, Tokenizer tokenizer, ChatTemplate? template, EngineOptions? options = null)
    {
        (_options, Tokenizer, Template) = ((options ?? new EngineOptions()).Validated(), tokenizer, template);
        _pool = new BlockPool(_options.KvBudget);
        Constraints = new ConstraintCache(tokenizer);
        var limits = new SchedulerOptions
        {
            MaxRunning = _options.Parallel,
            PrefixCacheBytes = Math.Min(_options.PrefixBytes, _options.KvBudget),
            Policies = _options.Policies,
        };
        _newScheduler = () => new Scheduler(engine, tokenizer, _pool, limits, _options.Policy, _options.Prompts) { Awaken = Wake };
        _scheduler = _newScheduler();
        ContextLength = _options.Policy.LongestSequence(engine.CacheLayout, engine.ContextLength);
        new Thread(Run) { Name = "kvasir engine", IsBackground = true }.Start();
    }

    /// <summary>The model's tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The model's chat template, or null.</summary>
    public ChatTemplate? Template { get; }

    /// <summary>The longest sequence, in tokens.</summary>
    public int ContextLength { get; }

    /// <summary>Constraints of earlier generations, with what was found out about them.</summary>
    internal ConstraintCache Constraints { get; }

    /// <summary>The limits.</summary>
    public EngineOptions Options => _options;

    /// <summary>Generations that run or wait.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Starts a generation. May be called from any thread.</summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="cancellation">Ends the generation within a step.</param>
    /// <exception cref="InvalidInputException">The prompt is empty or too long, or an option is out of its range.</exception>
    /// <exception cref="KvBudgetExceededException">The budget could never hold it.</exception>
    /// <exception cref="QueueFullException">Too many wait already.</exception>
    /// <exception cref="EngineStoppedException">The loop is being stopped.</exception>
    public GenerationStream Start(ReadOnlySpan<int> prompt, GenerationOptions? options = null, CancellationToken cancellation = default) =>
        StartAll(prompt, [options ?? GenerationOptions.Default], cancellation: cancellation)[0];

    /// <summary>Starts several continuations of one prompt, all or none.</summary>
    /// <param name="prompt">Token ids, and those of embeddings.</param>
    /// <param name="options">Of each.</param>
    /// <param name="embeddings">What ids below 0 stand for; null where there are none.</param>
    /// <param name="cancellation">Ends all of them within a step.</param>
    /// <inheritdoc cref="Start"/>
    public IReadOnlyList<GenerationStream> StartAll(
        ReadOnlySpan<int> prompt, IReadOnlyList<GenerationOptions> options, InputEmbeddings? embeddings = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (GenerationOptions one in options) _scheduler.Check(prompt.Length, one);
        int[] ids = prompt.ToArray();
        return Enter([.. options.Select(one => new GenerationStream(ids, one, cancellation) { Embeddings = embeddings })]);
    }

    /// <summary>Starts a generation whose beginning is made once its bytes are promised, in its turn among all others.</summary>
    /// <inheritdoc cref="StartAll"/>
    internal GenerationStream StartFilled(
        ReadOnlySpan<int> prompt, CacheFilling filling, GenerationOptions options, InputEmbeddings? embeddings,
        CancellationToken cancellation) =>
        Enter([new GenerationStream(prompt.ToArray(), options, cancellation) { Embeddings = embeddings, Filling = filling }])[0];

    private GenerationStream[] Enter(GenerationStream[] streams)
    {
        lock (_entrance)
        {
            if (_stopping) throw new EngineStoppedException("the engine is being stopped; it begins nothing any more");
            if (InFlight + streams.Length > _options.Parallel + _options.QueueLimit) throw new QueueFullException(InFlight, Wait());
            Interlocked.Add(ref _inFlight, streams.Length);
            foreach (GenerationStream stream in streams) _arrived.Enqueue(stream);
            Wake();
            return streams;
        }
    }

    /// <summary>What the loop does and holds, between two steps.</summary>
    public async Task<EngineStatus> GetStatusAsync()
    {
        var answer = new TaskCompletionSource<EngineStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        _questions.Enqueue(() => answer.SetResult(Status()));
        Wake();
        await Task.WhenAny(answer.Task, _ended.Task).ConfigureAwait(false);
        return answer.Task.IsCompleted ? await answer.Task.ConfigureAwait(false) : Status();
    }

    /// <summary>Begins nothing any more, lets what runs or waits come to its end, and cancels what has not by then.</summary>
    /// <param name="grace">How long.</param>
    public async Task StopAsync(TimeSpan grace)
    {
        lock (_entrance) _stopping = true;
        long begun = Stopwatch.GetTimestamp();
        while (InFlight > 0 && Stopwatch.GetElapsedTime(begun) < grace) await Task.Delay(20).ConfigureAwait(false);
        _stopped = true;
        Wake();
        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>Stops at once; what runs ends as cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        _pool.Dispose();
    }

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose()
    {
        lock (_entrance) _stopping = true;
        _stopped = true;
        Wake();
        _ended.Task.Wait();
        _pool.Dispose();
    }

    private void Wake() => _work.Release();

    /// <summary>How long a place takes to become free.</summary>
    private TimeSpan Wait() => TimeSpan.FromSeconds(Math.Clamp(Volatile.Read(ref _secondsPerGeneration), 1, 60));

    private void Run()
    {
        bool worked = false;
        while (!_stopped)
        {
            if (!worked && _arrived.IsEmpty && _questions.IsEmpty) _work.Wait();
            while (_questions.TryDequeue(out Action? question)) question();
            while (_arrived.TryDequeue(out GenerationStream? stream)) Admit(stream);
            worked = Step();
            for (int i = _active.Count - 1; i >= 0; i--) if (Ended(_active[i])) _active.RemoveAt(i);
        }

        _scheduler.Dispose();
        while (_arrived.TryDequeue(out GenerationStream? stream)) Leave(stream, new EngineStoppedException("the engine was stopped"));
        foreach (GenerationStream stream in _active) if (!Ended(stream))
            Leave(stream, new EngineStoppedException("the engine was stopped"));
        _ended.SetResult();
    }

    private void Admit(GenerationStream stream)
    {
        try
        {
            stream.Sequence = stream.Filling is { } filling
                ? _scheduler.Add(stream.Prompt, filling, stream.Options, stream.Take, stream.Embeddings)
                : _scheduler.Add(stream.Prompt, stream.Options, stream.Take, stream.Embeddings);
            _active.Add(stream);
        }
#pragma warning disable CA1031 // it must not end the thread that serves all others
        catch (Exception refused)
#pragma warning restore CA1031
        {
            Leave(stream, refused);
        }
    }

    /// <summary>
    /// One pass; false where there was nothing to do. What ends it but is no sequence's fault (a full disk, a bug) ends what was in it, and
    /// the loop goes on.
    /// </summary>
    private bool Step()
    {
        bool worked = true;
        try
        {
            worked = _scheduler.Step();
        }
#pragma warning disable CA1031 // whatever it was, others are still to be served
        catch (Exception failure)
#pragma warning restore CA1031
        {
            foreach (GenerationStream stream in _active)
                Leave(stream, new EngineStoppedException("a step failed: " + failure.Message, failure));
            _active.Clear();
            _scheduler.Dispose();
            _scheduler = _newScheduler();
        }

        foreach (GenerationStream stream in _active) if (stream.Sequence!.Continuation.HasBegun) stream.NoteFirstToken();
        return worked;
    }

    private bool Ended(GenerationStream stream)
    {
        if (stream.Sequence is not { IsFinished: true } sequence) return false;
        if (sequence.Failure is { } failure) Leave(stream, failure);
        else
        {
            stream.Finish(sequence.Result!);
            Count(stream.Result!);
            Leave(stream, null);
        }

        return true;
    }

    private void Leave(GenerationStream stream, Exception? failure)
    {
        if (failure is not null) stream.Fail(failure);
        stream.Release();
        Interlocked.Decrement(ref _inFlight);
    }

    private void Count(GenerationResult result)
    {
        _finished++;
        _promptTokens += result.PromptTokens;
        _reusedTokens += result.ReusedTokens;
        _generatedTokens += result.Ids.Count;
        double seconds = result.TotalTime.TotalSeconds / _options.Parallel;
        Volatile.Write(ref _secondsPerGeneration, 0.9 * _secondsPerGeneration + 0.1 * seconds);
        EngineMeter.Record(result);
    }

    private EngineStatus Status() => new()
    {
        Running = _scheduler.Running,
        Waiting = _scheduler.Waiting + _arrived.Count,
        KvBytes = _pool.Bytes,
        MostKvBytes = _pool.MostBytes,
        PrefixBytes = _scheduler.Prefixes.Bytes,
        Prefixes = _scheduler.Prefixes.Count,
        Finished = _finished,
        PromptTokens = _promptTokens,
        ReusedTokens = _reusedTokens,
        GeneratedTokens = _generatedTokens,
        Layers = _scheduler.Caches.Aggregate(new CacheCensus(), (census, cache) => census.With(cache)).Layers(),
    };
}
