namespace Kvasir.Numerics;

/// <summary>How many cores this process may use; a core's hardware threads count once, because they share its units.</summary>
internal static class PhysicalCores
{
    private const string Topology = "/sys/devices/system/cpu";

    public static int Count()
    {
        int logical = Environment.ProcessorCount;
        return CountUnder(Topology) is > 0 and var physical ? Math.Min(physical, logical) : logical;
    }

    /// <summary>Distinct sets of sibling threads under Linux's topology folder; 0 where it cannot be read.</summary>
    internal static int CountUnder(string folder)
    {
        try
        {
            return Directory.EnumerateDirectories(folder, "cpu*")
                .Select(cpu => Path.Combine(cpu, "topology", "thread_siblings_list"))
                .Where(File.Exists)
                .Select(file => File.ReadAllText(file).Trim())
                .Distinct(StringComparer.Ordinal)
                .Count();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
