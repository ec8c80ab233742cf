namespace Kvasir.Models;

/// <summary>
/// Runs of rows that stand in place of tokens (ids below 0) and follow each other: an image's. In some models (Gemma 3) the rows of a run
/// see each other and not only those before them; such a run must be computed in one piece.
/// </summary>
internal static class EmbeddedRuns
{
    /// <summary>The index behind the run that <paramref name="index"/> stands in; of a token, the next index.</summary>
    public static int EndOf(ReadOnlySpan<int> ids, int index)
    {
        int end = index + 1;
        while (ids[index] < 0 && end < ids.Length && ids[end] < 0) end++;
        return end;
    }

    /// <summary>
    /// How many of the next ids to compute together, at most <paramref name="count"/> and so that no run is cut; 0 where the first run
    /// alone is longer.
    /// </summary>
    public static int Whole(ReadOnlySpan<int> ids, int count)
    {
        if (count >= ids.Length || ids[count] >= 0) return Math.Min(count, ids.Length);
        while (count > 0 && ids[count - 1] < 0) count--;
        return count;
    }

    /// <summary>As <see cref="Whole"/>, and all of the first run where it alone is longer.</summary>
    public static int Together(ReadOnlySpan<int> ids, int count) => Whole(ids, count) is > 0 and var whole ? whole : EndOf(ids, 0);

    /// <summary>Rows of the longest run.</summary>
    public static int Longest(ReadOnlySpan<int> ids)
    {
        int longest = 0;
        for (int index = 0, end; index < ids.Length; index = end)
        {
            end = EndOf(ids, index);
            if (ids[index] < 0) longest = Math.Max(longest, end - index);
        }
        return longest;
    }
}
