namespace Kvasir.Generation;

/// <summary>Too many generations wait already; nothing was begun.</summary>
/// <param name="waiting">How many there are.</param>
/// <param name="retryAfter">When a place may be free, by how long generations have taken lately.</param>
public sealed class QueueFullException(int waiting, TimeSpan retryAfter)
    : KvasirException($"{waiting} generations run or wait already; try again in {Math.Ceiling(retryAfter.TotalSeconds)} s")
{
    /// <summary>When a place may be free.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
