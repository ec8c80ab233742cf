namespace Kvasir.Cli.Output;

/// <summary>Sizes and times as a person reads them.</summary>
internal static class Units
{
    public static string Bytes(long bytes) => bytes switch
    {
        < 1L << 10 => $"{bytes} B",
        < 1L << 20 => $"{bytes / 1024.0:0.0} KB",
        < 1L << 30 => $"{bytes / 1048576.0:0.0} MB",
        _ => $"{bytes / 1073741824.0:0.00} GB",
    };

    /// <summary>A number of things: "1 file", "2 files".</summary>
    public static string Count(long number, string thing) => $"{number} {thing}{(number == 1 ? "" : "s")}";

    public static string Milliseconds(TimeSpan time) => $"{time.TotalMilliseconds:0} ms";

    public static double Rounded(double value, int digits = 3) => double.IsFinite(value) ? Math.Round(value, digits) : value;
}
