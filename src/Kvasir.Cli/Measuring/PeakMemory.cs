namespace Kvasir.Cli.Measuring;

/// <summary>The most memory that the process has held in RAM since the last <see cref="Reset"/>, as the system measures it.</summary>
internal static class PeakMemory
{
    private const string Status = "/proc/self/status", ClearReferences = "/proc/self/clear_refs", HighWaterMark = "VmHWM:";

    /// <summary>Lets the peak start from what is held now; false where the system cannot: it is then that of the whole process.</summary>
    public static bool Reset()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            File.WriteAllText(ClearReferences, "5"); // proc(5): resets the peak resident set size
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Bytes.</summary>
    public static long Read()
    {
        if (OperatingSystem.IsLinux())
        {
            string? line = File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(HighWaterMark, StringComparison.Ordinal));
            if (line is not null && line[HighWaterMark.Length..]
                .Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is [string kilobytes,
                "kB"]) return long.Parse(kilobytes, CultureInfo.InvariantCulture) * 1024;
        }

        using Process self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }
}
