using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>
/// Continuous batching: each step is one forward pass over the newest token of every running sequence and slices of the
/// prompts of those that have just come. Sequences come and end at any step. Under a budget a sequence is admitted once all that it may
/// come to hold fits beside what the others may (<see cref="KvForecast"/>; what they share is counted in full), in the order they came:
/// nothing that was admitted meets a full budget later, and everything that waits gets its turn. A sequence that brings a filled cache has
/// its bytes from the start: it is admitted when it is added, or never. A <see cref="Session"/> is a scheduler's only client, and lends it
/// its cache. Used by one thread at a time.
/// </summary>
public sealed partial class Scheduler : IDisposable
{
    private readonly IForwardEngine _engine;
    private readonly Tokenizer _tokenizer;
    private readonly SequencePlan[] _plans;
    private readonly BlockPool _pool;
    private readonly SchedulerOptions _options;
    private readonly PrefixStore _prefixes;
    private readonly StepBatch _step;
    private readonly Queue<ScheduledSequence> _waiting = new();
    private readonly Queue<ScheduledSequence> _filled = new();
    private readonly List<ScheduledSequence> _running = [];

    /// <summary>A scheduler without sequences.</summary>
    /// <param name="model">The model; not disposed with the scheduler.</param>
    /// <param name="options">Limits.</param>
    /// <param name="policy">How keys and values are kept; float16 by default.</param>
    /// <param name="pool">Where blocks come from; a pool without budget by default. A pool with a budget must serve this scheduler
    /// alone.</param>
    /// <param name="prompts">Where long prompts are kept for later sessions; nowhere by default.</param>
    public Scheduler(Model model, SchedulerOptions? options = null, KvPolicy? policy = null, BlockPool? pool = null,
        PromptStore? prompts = null)
        : this(model, (model ?? throw new ArgumentNullException(nameof(model))).Tokenizer, pool
            ?? model.DefaultPool, options, policy, prompts)
    { }

    internal Scheduler(IForwardEngine engine, Tokenizer tokenizer, BlockPool pool, SchedulerOptions? options = null,
        KvPolicy? policy = null, PromptStore? prompts = null)
    {
        (_engine, _tokenizer, _pool) = (engine, tokenizer, pool);
        _options = (options ?? new SchedulerOptions()).Validated();
        _plans = SequencePlan.Of(engine, [policy ?? KvPolicy.Default, .. _options.Policies]);
        _prefixes = new PrefixStore(_options.PrefixCacheBytes, prompts);
        _step = new StepBatch(engine, _options.TokensPerStep, _prefixes)
        {
            PromptBorders = prompts is null ? 0 : PromptStore.BlockTokens,
        };
    }

    /// <summary>Sequences that have not finished.</summary>
    public int Count => Waiting + _running.Count;

    /// <summary>Sequences that have not been admitted yet.</summary>
    public int Waiting => _waiting.Count + _filled.Count + _beingFilled.Count;

    /// <summary>Sequences that take part in the steps.</summary>
    public int Running => _running.Count;

    /// <summary>The most sequences that ever ran at once.</summary>
    public int MostRunning { get; private set; }

    /// <summary>The most bytes that the running sequences, and those that wait with a filled cache, may come to hold.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Beginnings of prompts that are kept in memory.</summary>
    internal PrefixCache Prefixes => _prefixes.Memory;

    /// <summary>The caches of the sequences that run, and those that are kept.</summary>
    internal IEnumerable<KvCache> Caches => _running.Select(sequence => sequence.Cache!).Concat(Prefixes.Caches);

    /// <summary>Steps over prompts end at multiples of so many tokens; 0: wherever the step's tokens do.</summary>
    internal int PromptBorders
    {
        init => _step.PromptBorders = value;
    }

    /// <summary>
    /// Adds a sequence; it takes part from the next step on, or once the budget has room. One that the budget could never hold has failed
    /// at once.
    /// </summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="onText">Called within <see cref="Step"/> with every piece of text.</param>
    /// <param name="embeddings">What stands behind ids below 0.</param>
    /// <param name="cancellation">Ends the sequence before the next step.</param>
    /// <exception cref="InvalidInputException">The prompt is empty or longer than the model's context, or an option is out of
    /// range.</exception>
    public ScheduledSequence Add(
        ReadOnlySpan<int> prompt, GenerationOptions? options = null, Action<string>? onText = null, InputEmbeddings? embeddings = null,
        CancellationToken cancellation = default)
    {
        options = (options ?? GenerationOptions.Default).Validated();
        SequencePlan plan = SequencePlan.For(_plans, options.Policy);
        int longest = Longest(plan, prompt.Length, options);
        var sequence = new ScheduledSequence(plan, prompt.ToArray(), new Continuation(_tokenizer, options, prompt.Length),
            plan.Forecast.MostBytes(longest), onText, cancellation)
        {
            Embeddings = embeddings,
            Steering = options.Steering(prompt, _tokenizer, plan.Policy.Steering),
        };
        if (TooLarge(sequence.MostBytes, plan, longest, prompt.Length) is { } failure) sequence.Fail(failure);
        else _waiting.Enqueue(sequence);
        return sequence;
    }

    /// <summary>Throws where <see cref="Add(ReadOnlySpan{int}, GenerationOptions?, Action{string}?, InputEmbeddings?, CancellationToken)"/>
    /// would, or would fail at once. May be called from any thread.</summary>
    internal void Check(int promptTokens, GenerationOptions options)
    {
        SequencePlan plan = SequencePlan.For(_plans, options.Policy);
        int longest = Longest(plan, promptTokens, options.Validated());
        if (TooLarge(plan.Forecast.MostBytes(longest), plan, longest, promptTokens) is { } failure) throw failure;
    }

    private KvBudgetExceededException? TooLarge(long mostBytes, SequencePlan plan, int longest, int promptTokens) =>
        mostBytes <= _pool.Budget - PassBytes(1)
        ? null
        : new KvBudgetExceededException(
            $"the sequence may grow to {longest} tokens ({promptTokens} of them its prompt), but the KV budget of {_pool.Budget:N0} "
            + $"bytes holds {MostTokens(plan)}; raise the budget, or allow fewer new tokens");

    /// <summary>
    /// Adds a sequence whose beginning has been computed, or placed from files. Under a budget it fails at once where it does not fit
    /// beside what has been promised to others: it holds its bytes already, so it cannot wait for them.
    /// </summary>
    /// <param name="cache">Its keys and values so far, of the pool that the scheduler uses; the scheduler's from now on, and disposed with
    /// the sequence.</param>
    /// <param name="prompt">The ids of all tokens in the cache and, behind them, those still to be computed: at least one.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="onText">Called within <see cref="Step"/> with every piece of text.</param>
    /// <param name="embeddings">What stands behind ids below 0 that are still to be computed.</param>
    /// <param name="cancellation">Ends the sequence before the next step.</param>
    /// <exception cref="InvalidInputException">The prompt is longer than the model's context, or an option is out of range; the cache is
    /// still the caller's.</exception>
    public ScheduledSequence Add(
        KvCache cache, ReadOnlySpan<int> prompt, GenerationOptions? options = null, Action<string>? onText = null,
        InputEmbeddings? embeddings = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cache);
        options = (options ?? GenerationOptions.Default).Validated();
        if (cache.Length >= prompt.Length)
            throw new ArgumentException(
                $"the cache holds {cache.Length} tokens, so more than {prompt.Length} ids are needed", nameof(prompt));
        int longest = Longest(_plans[0], prompt.Length, options);
        cache.Steering = options.Steering(prompt, _tokenizer, cache.Steering?.Policy);
        var continuation = new Continuation(_tokenizer, options, prompt.Length) { ReusedTokens = cache.Length };
        var sequence = new ScheduledSequence(
            _plans[0], prompt.ToArray(), continuation, cache.MostBytes(longest), onText, cancellation)
        { Cache = cache, CameFilled = true, Embeddings = embeddings };
        if (Fits(sequence))
        {
            ReservedBytes += sequence.MostBytes;
            _filled.Enqueue(sequence);
            return sequence;
        }

        sequence.Fail(
            new KvBudgetExceededException(
            $"the sequence may grow to {longest} tokens, {sequence.MostBytes:N0} bytes, but the KV budget of {_pool.Budget:N0} bytes has "
            + $"{ReservedBytes:N0} promised to others; let some end first, raise the budget, or allow fewer new tokens"));
        Finish(sequence);
        return sequence;
    }

    /// <summary>
    /// Adds a sequence on a cache that stays the caller's and holds a beginning of the prompt. No budget is promised to it: what it does
    /// not get ends it.
    /// </summary>
    internal ScheduledSequence Lend(
        KvCache cache, ReadOnlySpan<int> prompt, InputEmbeddings? embeddings, Continuation continuation, Action<string> onText,
        CancellationToken cancellation)
    {
        var sequence = new ScheduledSequence(_plans[0], prompt.ToArray(), continuation, 0, onText, cancellation)
        {
            Cache = cache,
            IsLent = true,
            Embeddings = embeddings,
            Steering = cache.Steering,
        };
        _filled.Enqueue(sequence);
        return sequence;
    }

    /// <summary>
    /// One forward pass; false where there is nothing to do. What a pass throws ends the sequences that caused it
    /// (<see cref="ScheduledSequence.Failure"/>); the others go on.
    /// </summary>
    public bool Step() => Pass(decoding: true);

    /// <summary>
    /// One forward pass over prompts alone, after which those that are read to their end have their first token; false where there is none
    /// to read. For callers that tell the cost of prompts and of decoding apart.
    /// </summary>
    public bool Prefill() => Pass(decoding: false);

    private bool Pass(bool decoding)
    {
        StartFilled();
        RemoveFinished();
        Admit();
        if (!_step.Fill(_running, decoding)) return false;
        _step.Run();
        RemoveFinished();
        return true;
    }

    /// <summary>Steps until every sequence has finished.</summary>
    public void RunToEnd()
    {
        while (Step())
        {
        }
    }

    /// <summary>Frees all caches; unfinished sequences end as cancelled.</summary>
    public void Dispose()
    {
        AwaitFilled();
        foreach (ScheduledSequence sequence in _running.Concat(_filled).Concat(_waiting)) sequence.Cancel();
        RemoveFinished();
        _prefixes.Dispose();
        _step.Dispose();
    }

    private bool HasPlace => _running.Count + _beingFilled.Count < _options.MaxRunning;

    private void Admit()
    {
        while (HasPlace && _filled.TryDequeue(out ScheduledSequence? filled))
        {
            if (filled.IsLent) Recall(filled);
            if (filled.Failure is null) Start(filled);
        }
        while (HasPlace && _waiting.TryPeek(out ScheduledSequence? sequence))
        {
            if (sequence.IsCancelled)
            {
                Finish(_waiting.Dequeue());
                continue;
            }

            if (!Fits(sequence)) return;
            _waiting.Dequeue();
            ReservedBytes += sequence.MostBytes;
            if (sequence.Filling is not null)
            {
                BeginFilling(sequence);
                continue;
            }

            sequence.Cache = _prefixes.Take(sequence) ?? new KvCache(_engine.CacheLayout, sequence.Plan.Policy, _pool);
            sequence.Cache.Steering = sequence.Steering;
            Recall(sequence);
            Start(sequence);
        }
    }

    /// <summary>Takes up what is on disk of the prompt; a lent cache then has room for the rest of it, or the sequence fails.</summary>
    private void Recall(ScheduledSequence sequence)
    {
        KvCache cache = sequence.Cache!;
        _prefixes.Recall(sequence);
        sequence.Continuation.ReusedTokens = cache.Length;
        if (sequence.IsLent && Room(cache) is int room && sequence.Pending.Length > room)
            sequence.Fail(
                new InvalidInputException(
                $"the prompt has {sequence.PromptTokens} tokens, but the KV budget holds {cache.Length + room}; raise the budget, shorten "
                + "the prompt, or keep fewer bits"));
    }

    /// <summary>How many more tokens of this sequence alone fit into what is left of its budget.</summary>
    private int Room(KvCache cache)
    {
        int most = _plans[0].ContextLength - cache.Length;
        long left = cache.Pool.Budget - cache.Pool.Bytes;
        return cache.Pool.Budget == long.MaxValue
            ? most : KvForecast.Most(most, tokens => cache.MostGrowthBytes(tokens) + _plans[0].Forecast.PassBytes(tokens, 1) <= left);
    }

    /// <summary>The longest sequence that could be admitted.</summary>
    private int MostTokens(SequencePlan plan) =>
        KvForecast.Most(plan.ContextLength, tokens => plan.Forecast.MostBytes(tokens) <= _pool.Budget - PassBytes(1));

    private void Start(ScheduledSequence sequence)
    {
        if (!sequence.IsDecoding) sequence.Cache!.BeginPrompt(CollectionsMarshal.AsSpan(sequence.Ids));
        _running.Add(sequence);
        MostRunning = Math.Max(MostRunning, _running.Count);
    }

    private static int Longest(SequencePlan plan, int promptTokens, GenerationOptions options)
    {
        Session.Check(promptTokens, plan.ContextLength);
        return (int)Math.Min((long)promptTokens + options.MaxTokens - 1, plan.ContextLength); // the last token is not fed
    }

    /// <summary>Whether there is room for all that the sequence may hold; kept beginnings give way to it.</summary>
    private bool Fits(ScheduledSequence sequence)
    {
        if (_pool.Budget == long.MaxValue) return true;
        long left = _pool.Budget - PassBytes(Count - _waiting.Count + 1) - ReservedBytes - sequence.MostBytes;
        if (left >= 0) _prefixes.Shrink(left);
        return left >= 0;
    }

    private long PassBytes(int sequences) => _plans.Max(plan => plan.Forecast.PassBytes(_options.TokensPerStep, sequences));

    private void RemoveFinished()
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            ScheduledSequence sequence = _running[i];
            if (sequence.Failure is null && sequence.Continuation.Finish is null && !sequence.IsCancelled) continue;
            _running.RemoveAt(i);
            ReservedBytes -= sequence.MostBytes;
            Finish(sequence);
        }

        for (int left = _filled.Count; left > 0; left--)
        {
            ScheduledSequence sequence = _filled.Dequeue();
            if (sequence.IsCancelled)
            {
                ReservedBytes -= sequence.MostBytes;
                Finish(sequence);
            }
            else _filled.Enqueue(sequence);
        }

        for (int left = _waiting.Count; left > 0; left--)
        {
            ScheduledSequence sequence = _waiting.Dequeue();
            if (sequence.IsCancelled) Finish(sequence);
            else _waiting.Enqueue(sequence);
        }
    }

    private void Finish(ScheduledSequence sequence)
    {
        if (sequence.Failure is null)
        {
            sequence.Emit(sequence.Continuation.End(FinishReason.Cancelled));
            sequence.Complete();
            _prefixes.Keep(sequence);
        }

        if (!sequence.IsLent) sequence.Cache?.Dispose();
        sequence.Cache = null;
    }
}
