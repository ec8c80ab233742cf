namespace Kvasir.Cli.Output;

/// <summary>Estimates how long work will still take, from the share done and the time since it was first told one: a resumed download does not count what was there before.</summary>
internal sealed class TimeLeft(TimeProvider clock)
{
    private const double LeastShare = 0.001;
    private static readonly TimeSpan s_leastElapsed = TimeSpan.FromSeconds(1);
    private long _begun;
    private double _first = double.NaN;
    private double _last;

    /// <summary>The time left at a share done from 0 to 1; null as long as it cannot be told. A smaller share than before begins anew.</summary>
    public TimeSpan? At(double share)
    {
        if (double.IsNaN(_first) || share < _last) (_begun, _first) = (clock.GetTimestamp(), share);

        _last = share;
        TimeSpan elapsed = clock.GetElapsedTime(_begun);
        return elapsed < s_leastElapsed || share - _first < LeastShare ? null : elapsed * ((1 - share) / (share - _first));
    }

    /// <summary>Minutes and seconds, or hours before them.</summary>
    public static string Text(TimeSpan time) => time.TotalHours >= 1
        ? $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}"
        : $"{time.Minutes}:{time.Seconds:00}";
}
