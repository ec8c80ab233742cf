namespace Kvasir.Documents.Chunking;

/// <summary>
/// The sentences of a chunk, which are embedded beside it: the embedding of a chunk on several subjects resembles none of them (asked of a handbook,
/// the best chunk's cosine is 0.12 to 0.4 where the best sentence's is 0.3 to 0.8).
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
        List<int> ends = TextBorders.Find(chunk, 0, chunk.Length, BorderKind.Sentence);
        for (int i = 0; i < ends.Count;)
        {
            // What is short goes into the next, the last into the one before it.
            bool joins = ends.Count > 1 && chunk.AsSpan(Start(i)..ends[i]).Trim().Length < LeastCharacters;
            if (joins)
            {
                ends.RemoveAt(i < ends.Count - 1 ? i : i - 1);
            }

            i += joins && i < ends.Count ? 0 : 1;
        }

        while (ends.Count > Most)
        {
            ends.RemoveAt(Enumerable.Range(0, ends.Count - 1).MinBy(i => ends[i + 1] - Start(i)));
        }

        return [.. ends.Select((end, i) => chunk[Start(i)..end].Trim()).Where(piece => piece.Length > 0)];

        int Start(int i) => i == 0 ? 0 : ends[i - 1];
    }
}
