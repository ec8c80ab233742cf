using System.Threading.Channels;
using Kvasir.Models;

namespace Kvasir.Generation;

/// <summary>Text that has become certain.</summary>
/// <param name="Text">The text; may be empty at the end.</param>
/// <param name="Logprobs">The tokens since the piece before, where their probabilities were asked for.</param>
public readonly record struct GeneratedText(string Text, IReadOnlyList<TokenLogprobs> Logprobs);

/// <summary>
/// A generation on an <see cref="EngineLoop"/>. What it generates waits here until it is read: a reader that is slow or gone holds up
/// nobody. Leaving the enumeration before its end cancels the generation.
/// </summary>
public sealed class GenerationStream : IAsyncEnumerable<GeneratedText>
{
    private readonly Channel<GeneratedText> _pieces =
        Channel.CreateUnbounded<GeneratedText>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly CancellationTokenRegistration _registration;
    private volatile bool _cancelled;
    private int _logprobs;

    internal GenerationStream(int[] prompt, GenerationOptions options, CancellationToken cancellation)
    {
        (Prompt, Options) = (prompt, options);
        _registration = cancellation.UnsafeRegister(stream => ((GenerationStream)stream!).Cancel(), this);
    }

    /// <summary>The figures and the whole text; null before the end.</summary>
    public GenerationResult? Result { get; private set; }

    internal int[] Prompt { get; }

    internal GenerationOptions Options { get; }

    internal InputEmbeddings? Embeddings { get; init; }

    /// <summary>What makes its beginning, or null.</summary>
    internal CacheFilling? Filling { get; init; }

    internal long Started { get; } = Stopwatch.GetTimestamp();

    /// <summary>From the call to the first token; null before it.</summary>
    internal TimeSpan? FirstToken { get; private set; }

    /// <summary>Null until the loop has taken it up.</summary>
    internal ScheduledSequence? Sequence
    {
        get;
        set
        {
            field = value;
            Interlocked.MemoryBarrier(); // one of the two sees what the other wrote
            if (_cancelled) value?.Cancel();
        }
    }

    /// <summary>Ends the generation within a step. May be called from any thread, and more than once.</summary>
    public void Cancel()
    {
        _cancelled = true;
        Interlocked.MemoryBarrier();
        Sequence?.Cancel();
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<GeneratedText> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        try
        {
            await foreach (GeneratedText piece in _pieces.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false)) yield return piece;
        }
        finally
        {
            Cancel();
        }
    }

    /// <summary>Reads to the end.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the generation ends too.</exception>
    public async Task<GenerationResult> CompleteAsync(CancellationToken cancellation = default)
    {
        await foreach (GeneratedText _ in this.WithCancellation(cancellation).ConfigureAwait(false))
        {
        }

        return Result!;
    }

    internal void Take(string text)
    {
        IReadOnlyList<TokenLogprobs> all = Sequence?.Continuation.Logprobs ?? [];
        _pieces.Writer.TryWrite(new GeneratedText(text, all.Count == _logprobs ? [] : [.. all.Skip(_logprobs)]));
        _logprobs = all.Count;
    }

    internal void NoteFirstToken() => FirstToken ??= Stopwatch.GetElapsedTime(Started);

    internal void Finish(GenerationResult result)
    {
        if (result.Logprobs.Count > _logprobs) Take("");
        Result = result with { TimeToFirstToken = FirstToken ?? TimeSpan.Zero, TotalTime = Stopwatch.GetElapsedTime(Started) };
        _pieces.Writer.TryComplete();
    }

    internal void Fail(Exception failure) => _pieces.Writer.TryComplete(failure);

    /// <summary>Lets go of the caller's cancellation, which may live on.</summary>
    internal void Release() => _registration.Dispose();
}
