using Kvasir.Models;

namespace Kvasir.Generation;

/// <content>Sequences whose beginning is made on another thread, within bytes that are promised to them.</content>
public sealed partial class Scheduler
{
    private readonly List<ScheduledSequence> _beingFilled = [];

    /// <summary>Called, on any thread, when there may be something to do again.</summary>
    internal Action? Awaken { get; init; }

    /// <summary>Adds a sequence that is filled when it is admitted, in the order of arrival as all others are.</summary>
    /// <inheritdoc cref="Add(ReadOnlySpan{int}, GenerationOptions?, Action{string}?, InputEmbeddings?, CancellationToken)"/>
    internal ScheduledSequence Add(
        ReadOnlySpan<int> prompt, CacheFilling filling, GenerationOptions options, Action<string>? onText, InputEmbeddings? embeddings,
        CancellationToken cancellation = default)
    {
        SequencePlan plan = SequencePlan.Of(_engine, [filling.Policy])[0];
        int longest = Longest(plan, prompt.Length, options.Validated());
        var sequence = new ScheduledSequence(plan, prompt.ToArray(), new Continuation(_tokenizer, options, prompt.Length),
            filling.MostBytes(plan.Forecast, longest), onText, cancellation)
        {
            CameFilled = true,
            Filling = filling,
            Embeddings = embeddings,
            Steering = options.Steering(prompt, _tokenizer, plan.Policy.Steering),
        };
        if (TooLarge(sequence.MostBytes, plan, longest, prompt.Length) is { } failure) sequence.Fail(failure);
        else _waiting.Enqueue(sequence);
        return sequence;
    }

    private void BeginFilling(ScheduledSequence sequence)
    {
        _beingFilled.Add(sequence);
        sequence.Filled = Task.Run(() => sequence.Filling!.Fill(_pool));
        if (Awaken is { } awaken) _ = sequence.Filled.ContinueWith(_ => awaken(), TaskScheduler.Default);
    }

    /// <summary>Starts those that are filled, and those that have failed to be: they are removed next.</summary>
    private void StartFilled()
    {
        for (int i = 0; i < _beingFilled.Count; i++)
        {
            ScheduledSequence sequence = _beingFilled[i];
            if (!sequence.Filled!.IsCompleted) continue;
            _beingFilled.RemoveAt(i--);
            try
            {
                sequence.Cache = sequence.Filled.GetAwaiter().GetResult();
                if (sequence.Cache.Length >= sequence.PromptTokens || sequence.Cache.Pool != _pool)
                    throw new InvalidOperationException("a cache was filled with other than the beginning of its prompt, or elsewhere");
                sequence.Cache.Steering = sequence.Steering;
                sequence.Continuation.ReusedTokens = sequence.Cache.Length;
                Start(sequence);
            }
            catch (Exception failure)
            {
                if (!sequence.IsCancelled) sequence.Fail(failure);
                _running.Add(sequence);
            }
        }
    }

    /// <summary>Nothing is freed under a thread that fills a cache.</summary>
    private void AwaitFilled()
    {
        foreach (ScheduledSequence sequence in _beingFilled) sequence.Cancel();
        Task.WhenAll(_beingFilled.Select(sequence => sequence.Filled!)).ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        StartFilled();
    }
}
