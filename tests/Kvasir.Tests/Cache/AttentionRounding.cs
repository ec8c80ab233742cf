namespace Kvasir.Tests.Cache;

/// <summary>
/// How far attention in float32 may lie from attention in double, whatever the order of its sums and whether a CPU rounds between
/// multiplying and adding.
/// </summary>
internal static class AttentionRounding
{
    /// <summary>Unit roundoff of float32.</summary>
    private const double Unit = 1.0 / (1 << 24);

    /// <summary>
    /// A score sums q k over c channels; the partial sums are about as large as the root of the sum of squares, |q| K with the largest key
    /// K, and each addition rounds by a unit of that, independently: sqrt(c) |q| K units. Keys from codes are scale * code + minimum, terms
    /// of up to twice and once K. The exponential adds 4e-7 of itself. A weight that is off by a part d moves the output by at most 2 d V
    /// with the largest value V; and summing n weighted values rounds by sqrt(n) V units (3 V with codes). Twice that holds for all rows
    /// that a test looks at.
    /// </summary>
    /// <param name="channels">Channels of a key.</param>
    /// <param name="tokens">Visible tokens.</param>
    /// <param name="queryLength">2-norm of the (scaled) query.</param>
    /// <param name="largestKey">Largest channel of a visible key.</param>
    /// <param name="largestValue">Largest channel of a visible value.</param>
    public static double Bound(int channels, int tokens, double queryLength, double largestKey, double largestValue) =>
        2 * largestValue * (2 * (Unit * Math.Sqrt(channels) * queryLength * 3 * largestKey + 4e-7) + 3 * Unit * Math.Sqrt(tokens));
}
