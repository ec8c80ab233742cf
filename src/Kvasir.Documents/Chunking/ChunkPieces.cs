namespace Kvasir.Documents.Chunking;

/// <summary>
/// The sentences of a chunk, which are embedded beside it: the embedding of a chunk on several subjects resembles none of them (asked of a
/// handbook, the best chunk's cosine is 0.1 to 0.4 where the best sentence's is 0.3 to 0.8).
/// </summary>
internal static class ChunkPieces
{
    /// <summary>Pieces of a chunk, at most. More sentences share a piece, the shortest neighbours first.</summary>
    public const int Most = 16;

    /// <summary>What is shorter joins what follows: a heading alone resembles every question with its word.</summary>
    private const int LeastCharacters = 40;

    /// <summary>The pieces of <paramref name="chunk"/>, in order and without the white space around them.</summary>
    public static List<string> Of(string chunk)
    {
        var ends = new List<int> { 0 };
        foreach (int end in TextBorders.Find(chunk, 0, chunk.Length, BorderKind.Sentence))
        {
            if (end == chunk.Length || end - ends[^1] >= LeastCharacters) ends.Add(end);
        }

        if (ends.Count > 2 && ends[^1] - ends[^2] < LeastCharacters) ends.RemoveAt(ends.Count - 2);
        while (ends.Count > Most + 1) ends.RemoveAt(Enumerable.Range(1, ends.Count - 2).MinBy(i => ends[i + 1] - ends[i - 1]));
        return [.. ends.Skip(1).Select((end, i) => chunk[ends[i]..end].Trim()).DefaultIfEmpty("")];
    }
}
