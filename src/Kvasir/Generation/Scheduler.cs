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
    private readonly Batch _batch = new();
    private readonly Queue<ScheduledSequence> _waiting = new();
    private readonly Queue<ScheduledSequence> _filled = new();
    private readonly List<ScheduledSequence> _running = [];
    private readonly List<BatchShare> _inBatch = [];
    private readonly List<int> _withDraft = [];

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
        if (prompts is not null) PromptBorders = PromptStore.BlockTokens;
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
    internal int PromptBorders { get; init; }

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
        if (!FillBatch(decoding)) return false;
        Run();
        RemoveFinished();
        return true;
    }

    /// <summary>
    /// Runs the batch. A pass that throws leaves its caches as they were, so each sequence of it then runs by itself and without a draft,
    /// and only those fail whose own pass throws.
    /// </summary>
    private void Run()
    {
        if (TryRun() is not { } failure) return;
        if (_inBatch is [{ Drafted: 0 } only])
        {
            only.Sequence.Fail(failure);
            return;
        }
        foreach (BatchShare share in _inBatch.ToArray())
        {
            ClearBatch();
            AddToBatch(share.Sequence, share.Tokens);
            if (TryRun() is { } own) share.Sequence.Fail(own);
        }
    }

    /// <summary>One forward pass, and the next token of each sequence that has got its logits; what it threw, or null.</summary>
    private Exception? TryRun()
    {
        try
        {
            _engine.Forward(_batch);
        }
        catch (Exception failure)
        {
            return failure;
        }

        int row = 0;
        for (int i = 0; i < _inBatch.Count; i++)
        {
            (ScheduledSequence sequence, _, int drafted, bool reachesEnd) = _inBatch[i];
            if (reachesEnd)
            {
                Advance(sequence, row, drafted, _batch.Entries[i].FirstId + 1);
                row += 1 + drafted;
            }
            else if (Shares(sequence.Cache!.Policy)) _prefixes.EndStep(sequence.Cache, sequence.PromptTokens);
        }
        return null;
    }

    /// <summary>
    /// Takes a token from the sequence's first row of logits, and one from each row behind it as long as they are those of the draft that
    /// the rows were computed with; what else was computed of it is forgotten.
    /// </summary>
    private void Advance(ScheduledSequence sequence, int row, int drafted, int firstDraft)
    {
        int known = sequence.Cache!.Length - drafted, taken = 0;
        do Advance(sequence, _batch.Logits(row + taken++));
        while (taken <= drafted && sequence is { Failure: null, Continuation.Finish: null }
            && sequence.Ids[^1] == _batch.Id(firstDraft + taken - 1));
        if (drafted == 0) return;
        sequence.Cache.Truncate(known + taken - 1);
        sequence.Continuation.AcceptedDraftTokens += taken - 1;
        sequence.Continuation.Drafts!.Learn(drafted, taken - 1);
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
        _batch.Dispose();
    }

    private static void Advance(ScheduledSequence sequence, Span<float> logits)
    {
        string piece;
        try
        {
            piece = sequence.Continuation.Take(logits, sequence.Ids, sequence.Plan.ContextLength);
        }
        catch (Exception unusable) when (unusable is InvalidOperationException or InvalidInputException)
        {
            sequence.Fail(unusable);
            return;
        }

        sequence.Emit(piece);
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

            SequencePlan plan = sequence.Plan;
            sequence.Cache = (Shares(plan.Policy) ? _prefixes.Take(sequence.SharedIds, plan.Kind) : null)
                ?? new KvCache(_engine.CacheLayout, plan.Policy, _pool);
            sequence.Cache.Steering = sequence.Steering;
            Recall(sequence);
            Start(sequence);
        }
    }

    /// <summary>Takes up what is on disk of the prompt; a lent cache then has room for the rest of it, or the sequence fails.</summary>
    private void Recall(ScheduledSequence sequence)
    {
        KvCache cache = sequence.Cache!;
        if (Shares(cache.Policy)) _prefixes.Recall(cache, CollectionsMarshal.AsSpan(sequence.SharedIds));
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

    /// <summary>
    /// What stays of an evicted prompt depends on all of it, so its beginning is neither taken from another nor lent to one.
    /// </summary>
    private static bool Shares(KvPolicy policy) => policy.Eviction is null;

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

    /// <summary>
    /// First the newest token of every decoding sequence and drafts of the next ones, then prompts in the order they came, as far as the
    /// step's tokens go.
    /// </summary>
    private bool FillBatch(bool decoding)
    {
        ClearBatch();
        int sequences = 0;
        foreach (ScheduledSequence sequence in _running)
            if (decoding && sequence.IsDecoding) sequences++;
        int left = _options.TokensPerStep - sequences;
        foreach (ScheduledSequence sequence in _running)
        {
            if (!decoding || !sequence.IsDecoding) continue;
            ReadOnlySpan<int> draft = Draft(sequence, left, sequences);
            AddToBatch(sequence, 1, draft);
            left -= draft.Length;
        }

        foreach (ScheduledSequence sequence in _running)
        {
            if (sequence.IsDecoding || left == 0) continue;
            int count = Math.Min(left, sequence.Pending.Length);
            if (PromptBorders > 0) count = Math.Min(count, PromptBorders - sequence.Cache!.Length % PromptBorders);
            if (Shares(sequence.Cache!.Policy)) count = Math.Min(count, _prefixes.StepRoom(sequence.Cache.Length, sequence.PromptTokens));
            if (_engine.ComputesRunsWhole) count = EmbeddedRuns.Together(sequence.Pending, count);
            AddToBatch(sequence, count);
            left -= Math.Min(left, count);
        }

        return left < _options.TokensPerStep;
    }

    /// <summary>
    /// What may come next of a sequence. What a policy observes, evicts or encodes cannot be taken back, so drafts end before it does.
    /// </summary>
    private static ReadOnlySpan<int> Draft(ScheduledSequence sequence, int room, int sequences)
    {
        KvCache cache = sequence.Cache!;
        if (sequence.Continuation.Drafts is not { } drafts || cache.Policy.Eviction is not null) return [];
        room = Math.Min(Math.Min(room, cache.FloatRoom - 1),
            Math.Min(sequence.Continuation.Left - 1, sequence.Plan.ContextLength - sequence.Ids.Count));
        return room > 0 ? drafts.Propose(CollectionsMarshal.AsSpan(sequence.Ids), room, sequences) : [];
    }

    private void ClearBatch()
    {
        _batch.Clear();
        _inBatch.Clear();
    }

    private void AddToBatch(ScheduledSequence sequence, int count, ReadOnlySpan<int> draft = default)
    {
        bool reachesEnd = count == sequence.Pending.Length;
        _inBatch.Add(new BatchShare(sequence, count, draft.Length, reachesEnd));
        if (draft.IsEmpty)
        {
            _batch.Add(sequence.Cache!, sequence.Pending[..count], reachesEnd ? LogitRows.Last : LogitRows.None, sequence.Embeddings);
            return;
        }
        _withDraft.Clear();
        _withDraft.AddRange(sequence.Pending);
        _withDraft.AddRange(draft);
        _batch.Add(sequence.Cache!, CollectionsMarshal.AsSpan(_withDraft), LogitRows.All, sequence.Embeddings);
    }

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
            if (sequence.Cache is { } cache && !sequence.CameFilled && Shares(cache.Policy))
            {
                List<int> shared = sequence.SharedIds;
                if (sequence.Continuation.HasBegun) _prefixes.Store(cache, sequence.PromptTokens, CollectionsMarshal.AsSpan(shared));
                if (!sequence.IsLent && _prefixes.Keep(shared, cache, sequence.Plan.Kind)) sequence.Cache = null;
            }
        }

        if (!sequence.IsLent) sequence.Cache?.Dispose();
        sequence.Cache = null;
    }

    /// <summary>What a sequence has in the batch.</summary>
    /// <param name="Sequence">The sequence.</param>
    /// <param name="Tokens">How many of its pending tokens.</param>
    /// <param name="Drafted">How many that may come behind them.</param>
    /// <param name="ReachesEnd">Whether none stays pending, so that logits are wanted.</param>
    private readonly record struct BatchShare(ScheduledSequence Sequence, int Tokens, int Drafted, bool ReachesEnd);
}
