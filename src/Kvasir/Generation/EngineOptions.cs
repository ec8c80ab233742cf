using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>The limits of an <see cref="EngineLoop"/>.</summary>
public sealed record EngineOptions
{
    /// <summary>How keys and values are kept; float16 by default.</summary>
    public KvPolicy Policy { get; init; } = KvPolicy.Default;

    /// <summary>Policies that a generation may have instead (<see cref="GenerationOptions.Policy"/>); none by default.</summary>
    public IReadOnlyList<KvPolicy> Policies { get; init; } = [];

    /// <summary>The most bytes of keys and values, kept beginnings included; without limit by default.</summary>
    public long KvBudget { get; init; } = long.MaxValue;

    /// <summary>The most tokens of a reply where whoever asks for it does not say: bytes are promised to that many.</summary>
    public int UsualMaxTokens { get; init; } = 1024;

    /// <summary>The most generations at once; others wait.</summary>
    public int Parallel { get; init; } = 16;

    /// <summary>The most generations that wait; more are refused (<see cref="QueueFullException"/>).</summary>
    public int QueueLimit { get; init; } = 64;

    /// <summary>
    /// The most bytes of finished generations that are kept for prompts with the same beginning; they give way where the budget is needed.
    /// </summary>
    public long PrefixBytes { get; init; } = 512L << 20;

    /// <summary>Where long prompts are kept for later processes; nowhere by default.</summary>
    public PromptStore? Prompts { get; init; }

    /// <exception cref="InvalidInputException">A value is out of its range.</exception>
    internal EngineOptions Validated() =>
        QueueLimit >= 0 && UsualMaxTokens > 0 && KvBudget > 0 && PrefixBytes >= 0 && Parallel is > 0 and <= 512 ? this
        : throw new InvalidInputException(
            $"an engine for {Parallel} generations at once (1 to 512), {QueueLimit} waiting ones and {KvBudget} bytes cannot be");
}
