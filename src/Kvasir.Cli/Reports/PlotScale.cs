namespace Kvasir.Cli.Reports;

/// <summary>From values to pixels along one axis, and the marks on it.</summary>
internal sealed class PlotScale(
    double low, double high, double pixelLow, double pixelHigh, bool logarithmic, IEnumerable<(double Value, string Label)> marks)
{
    private const double NearestMarks = 40;

    public IReadOnlyList<(double Value, string Label)> Marks { get; } = [.. marks];

    /// <summary>From 0 to at least the largest value, with round marks.</summary>
    public static PlotScale Linear(double largest, double from, double to, int about = 6)
    {
        double step = RoundStep((largest > 0 ? largest : 1) / about);
        int steps = Math.Max(1, (int)Math.Ceiling(largest / step - 1e-9));
        return new PlotScale(0, steps * step, from, to, false, Enumerable.Range(0, steps + 1).Select(i => (i * step, Label(i * step))));
    }

    /// <summary>From 0 to at least the largest value, with marks at given values; those too near to one before have no label.</summary>
    public static PlotScale At(IEnumerable<double> values, double from, double to)
    {
        double[] sorted = [.. values.Distinct().Order()];
        double largest = sorted[^1] > 0 ? sorted[^1] : 1, last = double.NegativeInfinity;
        return new PlotScale(0, largest, from, to, false, sorted.Select(value =>
        {
            double pixel = from + value / largest * (to - from);
            bool near = Math.Abs(pixel - last) < NearestMarks;
            if (!near) last = pixel;
            return (value, near ? "" : Label(value));
        }).ToList());
    }

    /// <summary>Around positive values: marks at whole powers of ten, or at 1, 2 and 5 times them where those would be few.</summary>
    public static PlotScale Logarithmic(double least, double largest, double from, double to)
    {
        int low = (int)Math.Floor(Math.Log10(least)), high = Math.Max(low + 1, (int)Math.Ceiling(Math.Log10(largest)));
        int[] digits = high - low > 2 ? [1] : [1, 2, 5];
        double[] candidates = [.. Enumerable.Range(low, high - low + 1)
            .SelectMany(power => digits.Select(digit => digit * Math.Pow(10, power)))];
        double first = candidates.Last(mark => mark <= least * (1 + 1e-9)),
            last = candidates.First(mark => mark > first && mark >= largest * (1 - 1e-9));
        return new PlotScale(Math.Log10(first), Math.Log10(last), from, to, true, candidates.Where(mark => mark >= first && mark <= last)
            .Select(mark => (mark, Label(mark))));
    }

    public double Pixel(double value)
    {
        double at = logarithmic ? Math.Log10(value) : value;
        return pixelLow + (at - low) / (high - low) * (pixelHigh - pixelLow);
    }

    private static double RoundStep(double step)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        double digit = step / power;
        return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    }

    private static string Label(double value) =>
        value != 0 && value < 0.001 ? $"{value:0e-0}" : value < 1000 ? $"{value:0.####}" : $"{value:#,0}";
}
