namespace Kvasir.Cli.Output;

/// <summary>How long work will still take, from what was done since it was first told a share, not before.</summary>
internal sealed class TimeLeft(TimeProvider clock)
{
    private const double LeastShare = 0.001;
    private static readonly TimeSpan s_leastElapsed = TimeSpan.FromSeconds(1);
    private long _begun;
    private double _first = double.NaN;
    private double _last;

    /// <summary>The time left at a share from 0 to 1; null as long as it cannot be told. A smaller share begins anew.</summary>
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
