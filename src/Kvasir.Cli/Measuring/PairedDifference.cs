namespace Kvasir.Cli.Measuring;

/// <summary>
/// How far one of two ways lies from the other over samples that both were measured on: the mean of the differences, and half the width of
/// its 95% interval by Student's t. With fewer than two samples the interval has no end.
/// </summary>
internal readonly record struct PairedDifference(double Mean, double HalfWidth)
{
    private const double Normal = 1.959964;

    /// <summary>The quantile 0.975 of Student's t for 1 to 8 degrees of freedom.</summary>
    private static readonly double[] s_t = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060];

    public double Low => Mean - HalfWidth;

    public double High => Mean + HalfWidth;

    /// <summary>Whether the samples are enough to say on which side the difference lies; so they are where there is none.</summary>
    public bool IsClear => Low > 0 || High < 0 || (Mean == 0 && HalfWidth == 0);

    public static PairedDifference Of(IReadOnlyList<double> own, IReadOnlyList<double> other)
    {
        double[] differences = [.. own.Zip(other, (a, b) => a - b)];
        double mean = differences.Average(), sum = differences.Sum(difference => (difference - mean) * (difference - mean));
        int freedom = differences.Length - 1;
        return new PairedDifference(mean, freedom == 0
            ? (mean == 0 ? 0 : double.PositiveInfinity) : Quantile(freedom) * Math.Sqrt(sum / freedom / differences.Length));
    }

    /// <summary>Whether samples right in one way only say which way is better (exact sign test at 5%); true where there are none.</summary>
    public static bool IsClearSign(int ownOnly, int otherOnly)
    {
        int all = ownOnly + otherOnly;
        double term = Math.Pow(0.5, all), tail = 0;
        for (int i = 0; i <= Math.Min(ownOnly, otherOnly); i++)
        {
            tail += term;
            term *= (double)(all - i) / (i + 1);
        }

        return all == 0 || 2 * tail <= 0.05;
    }

    /// <summary>Beyond the table by Cornish and Fisher's expansion around the normal distribution, right to three digits there.</summary>
    private static double Quantile(int freedom)
    {
        const double z3 = Normal * Normal * Normal, z5 = z3 * Normal * Normal, z7 = z5 * Normal * Normal;
        const double first = (z3 + Normal) / 4, second = (5 * z5 + 16 * z3 + 3 * Normal) / 96,
            third = (3 * z7 + 19 * z5 + 17 * z3 - 15 * Normal) / 384;
        return freedom <= s_t.Length ? s_t[freedom - 1] : Normal + (first + (second + third / freedom) / freedom) / freedom;
    }
}
