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
        line($"{skipped.Count} {(skipped.Count == 1 ? "entry" : "entries")} left out:");
        foreach (IGrouping<string, SkippedFile> group in skipped.GroupBy(file => file.Reason, StringComparer.Ordinal))
        {
            line($"  {group.Key}:");
            foreach (SkippedFile file in group.Take(MostNamed)) line($"    {file.Path}");
            if (group.Count() > MostNamed) line($"    and {group.Count() - MostNamed} more");
        }
    }
}
