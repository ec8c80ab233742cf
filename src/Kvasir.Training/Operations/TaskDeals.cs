namespace Kvasir.Training.Operations;

/// <summary>
/// How many tasks of each deal were taken. All workers make the same deals in the same order; between two meetings there are at most
/// <see cref="MostBetweenMeetings"/>. Two halves take turns: while one is in use, the other is cleared.
/// </summary>
internal sealed class TaskDeals
{
    public const int MostBetweenMeetings = 16;

    private const int CacheLine = 16;

    private readonly int[] _taken = new int[2 * MostBetweenMeetings * CacheLine];

    public void Clear(int half) => Array.Clear(_taken, half * MostBetweenMeetings * CacheLine, MostBetweenMeetings * CacheLine);

    /// <summary>The number of the next task that nobody has taken.</summary>
    public int Take(int half, int deal) => Interlocked.Increment(ref _taken[(half * MostBetweenMeetings + deal) * CacheLine]) - 1;
}
