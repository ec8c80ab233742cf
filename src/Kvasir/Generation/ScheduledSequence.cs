using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Generation;

/// <summary>A sequence that a <see cref="Scheduler"/> runs among others.</summary>
public sealed class ScheduledSequence
{
    private readonly Action<string>? _onText;
    private readonly CancellationToken _cancellation;
    private readonly int _promptTokens;
    private volatile bool _cancelled;

    internal ScheduledSequence(SequencePlan plan,
        int[] prompt, Continuation continuation, long mostBytes, Action<string>? onText, CancellationToken cancellation)
    {
        Plan = plan;
        MostBytes = mostBytes;
        Ids = [.. prompt];
        _promptTokens = prompt.Length;
        Continuation = continuation;
        _onText = onText;
        _cancellation = cancellation;
    }

    /// <summary>The finished generation; null while it waits or runs.</summary>
    public GenerationResult? Result { get; private set; }

    /// <summary>What made it fail, where something did.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether it has a result or has failed.</summary>
    public bool IsFinished => Result is not null || Failure is not null;

    /// <summary>The most bytes of keys and values that it may come to hold: what is reserved while it runs.</summary>
    public long MostBytes { get; }

    internal List<int> Ids { get; }

    /// <summary>What stands behind ids below 0.</summary>
    internal InputEmbeddings? Embeddings { get; init; }

    internal Continuation Continuation { get; }

    internal KvCache? Cache { get; set; }

    /// <summary>How attention is steered, or null.</summary>
    internal Steering? Steering { get; init; }

    /// <summary>
    /// The ids at the beginning whose keys and values are what any prompt that begins so gives: those before steering makes a difference.
    /// </summary>
    internal List<int> SharedIds => Steering?.UnsteeredTokens < Ids.Count ? Ids[..Steering.UnsteeredTokens] : Ids;

    /// <summary>
    /// Whether it brought its cache, or fills it: what was placed there need not be what its ids alone would give, so it is not kept for
    /// others.
    /// </summary>
    internal bool CameFilled { get; init; }

    /// <summary>What makes its beginning when it is admitted; null where it comes with one, or begins with nothing.</summary>
    internal CacheFilling? Filling { get; init; }

    /// <summary>The beginning that is being made.</summary>
    internal Task<KvCache>? Filled { get; set; }

    /// <summary>Whether its cache is a session's, which goes on with it afterwards.</summary>
    internal bool IsLent { get; init; }

    /// <summary>How it is kept; the scheduler's own where it came with its cache.</summary>
    internal SequencePlan Plan { get; }

    /// <summary>Tokens of its prompt.</summary>
    internal int PromptTokens => _promptTokens;

    internal bool IsCancelled => _cancelled || _cancellation.IsCancellationRequested;

    /// <summary>Whether all but the newest token are in the cache: it takes one token a step from now on.</summary>
    internal bool IsDecoding => Cache!.Length >= _promptTokens;

    /// <summary>The ids that are not in the cache yet.</summary>
    internal ReadOnlySpan<int> Pending => CollectionsMarshal.AsSpan(Ids)[Cache!.Length..];

    /// <summary>Ends it before the next step. May be called from any thread.</summary>
    public void Cancel() => _cancelled = true;

    internal void Emit(string piece)
    {
        if (piece.Length > 0) _onText?.Invoke(piece);
    }

    internal void Complete() => Result = Continuation.Result(Cache?.Bytes ?? 0);

    internal void Fail(Exception failure) => Failure = failure;
}
