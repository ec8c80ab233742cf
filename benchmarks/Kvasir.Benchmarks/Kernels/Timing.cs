namespace Kvasir.Benchmarks.Kernels;

/// <summary>Times short pieces of code.</summary>
internal static class Timing
{
    /// <summary>Seconds of the fastest run within a budget of seconds: what the code takes when nobody disturbs it.</summary>
    public static double Best(double budget, Action action)
    {
        action();
        double best = double.MaxValue;
        var total = Stopwatch.StartNew();
        do
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        while (total.Elapsed.TotalSeconds < budget);
        return best;
    }
}
