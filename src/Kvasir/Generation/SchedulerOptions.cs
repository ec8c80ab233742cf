using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>The limits of a <see cref="Scheduler"/>.</summary>
public sealed record SchedulerOptions
{
    /// <summary>The most tokens of one forward pass: one for each running sequence, the rest for prefill.</summary>
    public int TokensPerStep { get; init; } = 512;

    /// <summary>The most sequences at once; others wait.</summary>
    public int MaxRunning { get; init; } = 32;

    /// <summary>The most bytes of finished sequences that are kept for others with the same beginning; 0 keeps none.</summary>
    public long PrefixCacheBytes { get; init; }

    /// <summary>Policies that a sequence may have instead of the scheduler's own (<see cref="GenerationOptions.Policy"/>).</summary>
    public IReadOnlyList<KvPolicy> Policies { get; init; } = [];

    /// <exception cref="InvalidInputException">A value is out of its range.</exception>
    internal SchedulerOptions Validated()
    {
        if (MaxRunning < 1) throw new InvalidInputException($"at least one sequence must be able to run; got {MaxRunning}");
        if (TokensPerStep < MaxRunning)
            throw new InvalidInputException(
                $"{TokensPerStep} tokens a step cannot serve {MaxRunning} sequences; give at least as many tokens as sequences");
        if (PrefixCacheBytes < 0) throw new InvalidInputException($"the prefix cache cannot hold {PrefixCacheBytes} bytes; give 0 or more");
        return this;
    }
}
