namespace Kvasir.Documents.Chunking;

/// <summary>Counts the tokens of a text.</summary>
internal delegate int TokenCounter(string text);

/// <summary>
/// Cuts a text into chunks of at most a number of tokens: at the border of a paragraph where one gives a chunk of a fair size,
/// else of a sentence or line, else of a word, else inside a word that is too long by itself. Chunks follow each other without
/// a gap, so that together they are the text.
/// </summary>
internal sealed class Chunker(int maxTokens, TokenCounter count)
{
    /// <summary>The least that a limit may be: below it a single character of some scripts does not fit.</summary>
    public const int LeastTokens = 16;

    /// <summary>
    /// A chunk that ends at a paragraph's border is taken only where it fills this part of the limit, so that a heading is not left alone.
    /// </summary>
    private const int FairPart = 4;

    private readonly int _maxTokens = maxTokens >= LeastTokens
        ? maxTokens
        : throw new InvalidInputException($"chunks of {maxTokens} tokens are too small; use at least {LeastTokens}");

    /// <summary>
    /// A chunk as it stands in the prompt: a paragraph of its own. Surrounding white space is the border's, not the chunk's.
    /// </summary>
    public static string PromptText(ReadOnlySpan<char> chunk) => string.Concat(chunk.Trim(), "\n\n");

    /// <summary>The chunks of <paramref name="text"/>, in order.</summary>
    public List<Chunk> Split(string text)
    {
        var chunks = new List<Chunk>();
        int start = 0;
        while (start < text.Length)
        {
            int end = Next(text, start);
            chunks.Add(new Chunk(start, end - start, Count(text, start, end)));
            start = end;
        }

        return chunks;
    }

    private int Next(string text, int start)
    {
        int window = Window(text, start);
        if (window == text.Length && Fits(text, start, window)) return window;
        foreach (BorderKind kind in Enum.GetValues<BorderKind>())
        {
            List<int> borders = TextBorders.Find(text, start, window, kind);
            int end = LastFitting(text, start, borders, out int tokens);
            bool fair = kind != BorderKind.Paragraph || tokens >= _maxTokens / FairPart;
            if (end > start && fair) return end;
        }

        return start + (start + 1 < text.Length && char.IsSurrogatePair(text[start], text[start + 1]) ? 2 : 1);
    }

    /// <summary>
    /// An end beyond which nothing fits, found by doubling, so that a long text is not counted as a whole for every chunk.
    /// </summary>
    private int Window(string text, int start)
    {
        long length = 8L * _maxTokens;
        while (start + length < text.Length && Fits(text, start, TextBorders.WholeCharacter(text, (int)(start + length)))) length *= 2;
        return TextBorders.WholeCharacter(text, (int)Math.Min(text.Length, start + length));
    }

    /// <summary>
    /// The last border whose chunk fits, by bisection: a longer text has as many tokens or more, but for rare merges over a border.
    /// </summary>
    private int LastFitting(string text, int start, List<int> borders, out int tokens)
    {
        int low = 0, high = borders.Count, end = start;
        tokens = 0;
        while (low < high)
        {
            int middle = (low + high) / 2;
            int counted = Count(text, start, borders[middle]);
            if (counted <= _maxTokens)
            {
                end = borders[middle];
                tokens = counted;
                low = middle + 1;
            }
            else high = middle;
        }

        return end;
    }

    private bool Fits(string text, int start, int end) => Count(text, start, end) <= _maxTokens;

    private int Count(string text, int start, int end) => count(PromptText(text.AsSpan(start, end - start)));
}
