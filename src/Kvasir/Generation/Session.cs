using System.Runtime.ExceptionServices;
using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>
/// One sequence on a model: its cache, and the ids that the cache stands for. A prompt that begins as the cache does
/// is computed only from where they part. Used by one thread at a time.
/// </summary>
public sealed partial class Session : IDisposable
{
    /// <summary>
    /// Tokens of one prefill step; a cancellation takes effect after at most one step. Steps end where stored blocks do: a token
    /// attends to its own step in float and to earlier ones as they are kept, so behind stored blocks a prompt is computed as it was
    /// without them.
    /// </summary>
    internal const int PrefillSlice = PromptStore.BlockTokens;

    private readonly Tokenizer _tokenizer;
    private readonly ChatTemplate? _template;
    private readonly int _contextLength;
    private readonly KvCache _cache;
    private readonly Scheduler _scheduler;
    private readonly SteeringPolicy? _steering;
    private readonly List<int> _ids = [];

    /// <summary>An empty session.</summary>
    /// <param name="model">The model; not disposed with the session.</param>
    /// <param name="policy">How keys and values are kept; float16 by default.</param>
    /// <param name="pool">Where blocks come from; a pool without budget by default.</param>
    /// <param name="prompts">Where long prompts are kept for later sessions; nowhere by default.</param>
    public Session(Model model, KvPolicy? policy = null, BlockPool? pool = null, PromptStore? prompts = null)
        : this(model, (model ?? throw new ArgumentNullException(nameof(model))).Tokenizer, model.ChatTemplate, model.NewCache(policy, pool),
            prompts)
    { }

    /// <summary>A session that goes on from a filled cache, which it owns from now on.</summary>
    /// <param name="model">The model; not disposed with the session.</param>
    /// <param name="cache">The cache, with stored parts already placed.</param>
    /// <param name="ids">The ids of all tokens in the cache.</param>
    public Session(Model model, KvCache cache, IEnumerable<int> ids)
        : this(model, (model ?? throw new ArgumentNullException(nameof(model))).Tokenizer, model.ChatTemplate, cache)
    {
        _ids.AddRange(ids);
        if (_ids.Count != _cache.Length)
            throw new ArgumentException($"the cache holds {_cache.Length} tokens, but {_ids.Count} ids were given", nameof(ids));
    }

    internal Session(IForwardEngine engine, Tokenizer tokenizer, ChatTemplate? template, KvCache cache, PromptStore? prompts = null)
    {
        (_tokenizer, _template, _contextLength, _cache) = (tokenizer, template,
            cache.Policy.LongestSequence(engine.CacheLayout, engine.ContextLength), cache);
        _steering = cache.Steering?.Policy;
        _scheduler = new Scheduler(
            engine, tokenizer, cache.Pool, new SchedulerOptions { TokensPerStep = PrefillSlice, MaxRunning = 1 }, cache.Policy,
            prompts)
        { PromptBorders = PrefillSlice };
    }

    /// <summary>The ids whose keys and values the cache holds.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Embeddings whose ids may stand in prompts beside those of tokens; null for none.</summary>
    public InputEmbeddings? Embeddings { get; set; }

    /// <summary>Bytes of keys and values held.</summary>
    public long KvBytes => _cache.Bytes;

    /// <summary>The last generation: its text, ids and figures. Null before the first one.</summary>
    public GenerationResult? LastResult { get; private set; }

    /// <summary>Continues a prompt.</summary>
    /// <param name="prompt">Text; special tokens in it are recognised.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="onText">Called with every piece of text as it becomes certain.</param>
    /// <param name="cancellation">Ends the generation after the running step; the result's finish reason says so.</param>
    /// <exception cref="InvalidInputException">The prompt is empty or longer than the model's context or the pool's budget, or an option is
    /// out of range.</exception>
    public GenerationResult Complete(
        string prompt, GenerationOptions? options = null, Action<string>? onText = null, CancellationToken cancellation = default) =>
        Drain(Stream(Encode(prompt), options, cancellation), onText);

    /// <summary>Continues a prompt of token ids.</summary>
    /// <param name="prompt">Token ids, fed exactly as given.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="onText">Called with every piece of text as it becomes certain.</param>
    /// <param name="cancellation">Ends the generation after the running step; the result's finish reason says so.</param>
    /// <exception cref="InvalidInputException">The prompt is empty or longer than the model's context or the pool's budget, or an option is
    /// out of range.</exception>
    public GenerationResult Complete(
        ReadOnlySpan<int> prompt, GenerationOptions? options = null, Action<string>? onText = null,
        CancellationToken cancellation = default) =>
        Drain(Stream(prompt, options, cancellation), onText);

    /// <summary>Continues what the cache holds with more tokens.</summary>
    /// <param name="more">Token ids that follow <see cref="Ids"/>; at least one.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="onText">Called with every piece of text as it becomes certain.</param>
    /// <param name="cancellation">Ends the generation after the running step; the result's finish reason says so.</param>
    /// <exception cref="InvalidInputException">The prompt is empty or longer than the model's context or the pool's budget, or an option is
    /// out of range.</exception>
    public GenerationResult Continue(
        ReadOnlySpan<int> more, GenerationOptions? options = null, Action<string>? onText = null, CancellationToken cancellation = default)
    {
        if (more.IsEmpty) throw new InvalidInputException("there is nothing to continue with; give at least one token");
        return Complete([.. _ids, .. more], options, onText, cancellation);
    }

    /// <summary>
    /// Continues a prompt; each piece of text as it becomes certain. <see cref="LastResult"/> has the figures at the end.
    /// </summary>
    /// <param name="prompt">Text; special tokens in it are recognised.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="cancellation">Ends the generation after the running step; the result's finish reason says so.</param>
    /// <exception cref="InvalidInputException">The prompt is empty or longer than the model's context or the pool's budget, or an option is
    /// out of range.</exception>
    public IEnumerable<string> Stream(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default) =>
        Stream(Encode(prompt), options, cancellation);

    /// <summary>Continues a prompt of token ids; each piece of text as it becomes certain.</summary>
    /// <param name="prompt">Token ids, fed exactly as given.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="cancellation">Ends the generation after the running step; the result's finish reason says so.</param>
    /// <exception cref="InvalidInputException">The prompt is empty or longer than the model's context or the pool's budget, or an option is
    /// out of range.</exception>
    public IEnumerable<string> Stream(ReadOnlySpan<int> prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        options = (options ?? GenerationOptions.Default).Validated();
        Check(prompt.Length, _contextLength);
        return Run(prompt.ToArray(), options.Steering(prompt, _tokenizer, _steering), options, cancellation);
    }

    /// <summary>As <see cref="Stream(string, GenerationOptions, CancellationToken)"/>, computing on a thread of the pool.</summary>
    public IAsyncEnumerable<string> StreamAsync(
        string prompt, GenerationOptions? options = null, CancellationToken cancellation = default) =>
        OnThreadPool(stop => Stream(prompt, options, stop), cancellation);

    /// <summary>Frees the cache.</summary>
    public void Dispose()
    {
        _scheduler.Dispose();
        _cache.Dispose();
    }

    /// <exception cref="InvalidInputException">The prompt cannot be used.</exception>
    internal static void Check(int promptTokens, int contextLength)
    {
        if (promptTokens == 0) throw new InvalidInputException("the prompt is empty; give at least one token");
        if (promptTokens > contextLength)
            throw new InvalidInputException(
                $"the prompt has {promptTokens} tokens, but the model's context holds {contextLength}; shorten it by "
                + $"{promptTokens - contextLength}");
    }

    private int[] Encode(string prompt) => _tokenizer.Encode(prompt, parseSpecial: true, addSpecial: true);

    private IEnumerable<string> Run(int[] prompt, Steering? steering, GenerationOptions options, CancellationToken cancellation)
    {
        var continuation = new Continuation(_tokenizer, options, prompt.Length);
        var pieces = new Queue<string>();
        // At least the prompt's last token is computed anew, for its logits.
        int common = prompt.AsSpan(..^1).CommonPrefixLength(CollectionsMarshal.AsSpan(_ids));
        common = Math.Min(common, Steering.CommonTokens(_cache.Steering, steering));
        // What was left out of a prompt was left out for the sake of the rest: it cannot begin another one.
        if (common < _cache.EvictedEnd) common = 0;
        if (common < _ids.Count) _cache.Truncate(common);
        _cache.Steering = steering;
        ScheduledSequence sequence = _scheduler.Lend(_cache, prompt, Embeddings, continuation, pieces.Enqueue, cancellation);
        try
        {
            while (_scheduler.Step())
                while (pieces.TryDequeue(out string? piece)) yield return piece;
            while (pieces.TryDequeue(out string? rest)) yield return rest;
            if (sequence.Failure is { } failure) ExceptionDispatchInfo.Throw(failure);
        }
        finally
        {
            sequence.Cancel();
            _scheduler.Step();
            MatchCache(sequence.Ids);
            LastResult = continuation.Result(_cache.Bytes);
        }
    }

    /// <summary>
    /// Makes the ids those that the cache holds, also after a step that failed: a chosen token that was not fed is not among them.
    /// </summary>
    private void MatchCache(List<int> ids)
    {
        int length = Math.Min(ids.Count, _cache.Length);
        if (_cache.Length > length) _cache.Truncate(length);
        _ids.Clear();
        _ids.AddRange(CollectionsMarshal.AsSpan(ids)[..length]);
    }

    private GenerationResult Drain(IEnumerable<string> pieces, Action<string>? onText)
    {
        foreach (string piece in pieces) onText?.Invoke(piece);
        return LastResult!;
    }

    private static async IAsyncEnumerable<string> OnThreadPool(
        Func<CancellationToken, IEnumerable<string>> start, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using IEnumerator<string> pieces = start(cancellation).GetEnumerator();
        while (await Task.Run(pieces.MoveNext, CancellationToken.None).ConfigureAwait(false)) yield return pieces.Current;
    }
}
