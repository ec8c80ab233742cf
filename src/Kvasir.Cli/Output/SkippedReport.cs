using Kvasir.Documents;

namespace Kvasir.Cli;

/// <summary>What an ingest left out, for a person: grouped by reason, long groups cut short.</summary>
internal static class SkippedReport
{
    private const int MostNamed = 10;

    /// <summary>Writes the lines; none where nothing was left out.</summary>
    public static void Write(IReadOnlyList<SkippedFile> skipped, Action<string> line)
    {
        if (skipped.Count == 0) return;
        line($"{Units.Count(skipped.Count, "file")}{(skipped.Any(entry => Directory.Exists(entry.Path)) ? " or folders" : "")} left out:");
        foreach (IGrouping<string, SkippedFile> group in skipped.GroupBy(entry => entry.Reason, StringComparer.Ordinal))
        {
            line($"  {group.Key}:");
            foreach (SkippedFile entry in group.Take(MostNamed)) line($"    {entry.Path}");
            if (group.Count() > MostNamed) line($"    and {group.Count() - MostNamed} more");
        }
    }
}
