namespace Kvasir.Generation;

/// <summary>Tells when a text has fallen into a loop: its last tokens are the ones before them over again.</summary>
internal static class Repetition
{
    /// <summary>Shorter runs repeat in honest text too: lists, refrains, tables.</summary>
    public const int ShortestRun = 10;

    public const int LongestRun = 128;

    /// <summary>Whether the ids end in some run of tokens twice in a row.</summary>
    public static bool EndsIn(ReadOnlySpan<int> ids)
    {
        for (int run = ShortestRun; run <= LongestRun && 2 * run <= ids.Length; run++)
            if (ids[^run..].SequenceEqual(ids[^(2 * run)..^run])) return true;
        return false;
    }
}
