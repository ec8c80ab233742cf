namespace Kvasir.Cli.Output;

/// <summary>What an ingest left out or could not read wholly, for a person: grouped by reason, long groups cut short.</summary>
internal static class SkippedReport
{
    private const int MostNamed = 10;

    /// <summary>Writes the lines; none where all was read.</summary>
    public static void Write(IngestReport report, Action<string> line)
    {
        Write(report.Skipped, "left out", line);
        Write(report.Incomplete, "not read wholly", line);
    }

    private static void Write(IReadOnlyList<SkippedFile> skipped, string what, Action<string> line)
    {
        if (skipped.Count == 0) return;
        int folders = skipped.Count(entry => Directory.Exists(entry.Path)), files = skipped.Count - folders;
        line(string.Join(" and ", new[] { (files, "file"), (folders, "folder") }
            .Where(kind => kind.Item1 > 0).Select(kind => Units.Count(kind.Item1, kind.Item2))) + $" {what}:");
        foreach (IGrouping<string, SkippedFile> group in skipped.GroupBy(entry => entry.Reason, StringComparer.Ordinal))
        {
            line($"  {group.Key}:");
            foreach (SkippedFile entry in group.Take(MostNamed)) line($"    {entry.Path}");
            if (group.Count() > MostNamed) line($"    and {group.Count() - MostNamed} more");
        }
    }
}
