namespace Kvasir.Cli.Measuring;

/// <summary>
/// One measured row: ppN is prefill of N tokens, tgN generation of N tokens, bS-tgN generation of N tokens in each of S sequences at once,
/// all behind <c>Depth</c> tokens; tokens/s of all sequences together. <c>KvBytes</c> is what their caches hold together at the end,
/// <c>PeakBytes</c> the most memory of the whole process during the test, as the system measures it.
/// </summary>
internal sealed record SpeedRow(
    string Test, int Depth, string Kv, double TokensPerSecond, double Min, double Max, long KvBytes, int Sequences, long PeakBytes)
{
    public long KvBytesPerSequence => KvBytes / Sequences;

    /// <summary>The row of some runs, of which the median counts.</summary>
    public static SpeedRow Of(string test, int depth, string kv, List<double> speeds, long kvBytes, int sequences, long peakBytes)
    {
        speeds.Sort();
        double median = (speeds[(speeds.Count - 1) / 2] + speeds[speeds.Count / 2]) / 2;
        return new SpeedRow(test, depth, kv, Units.Rounded(median, 1), Units.Rounded(speeds[0], 1), Units.Rounded(speeds[^1], 1), kvBytes,
            sequences, peakBytes);
    }
}
