namespace Kvasir.Tokenization;

/// <summary>WordPiece (BERT): a word becomes its longest prefix that is a token, then the longest continuation; else unknown.</summary>
/// <param name="vocabulary">The tokens; a leading space begins a word.</param>
/// <param name="settings">The parts that ids play.</param>
/// <param name="words">Cuts it into words.</param>
/// <param name="identity">Computes the tokenizer's identity.</param>
/// <param name="longestWord">Longer words (in characters) are unknown, as in BERT's own tokenizer.</param>
internal sealed class WordPieceTokenizer(
    Vocabulary vocabulary, TokenizerSettings settings, PreTokenizer words, Func<string> identity,
    int longestWord = WordPieceTokenizer.DefaultLongestWord)
    : VocabularyTokenizer(vocabulary, settings with { SpacePrefix = SpacePrefix.First }, identity)
{
    /// <summary>BERT's limit.</summary>
    public const int DefaultLongestWord = 100;

    private readonly int _longestToken = LongestToken(vocabulary);

    /// <inheritdoc/>
    protected override void EncodePlain(ReadOnlySpan<char> text, TokenList ids) => words.Split(text, new Words(this, ids));

    private void EncodeWord(ReadOnlySpan<char> word, TokenList ids)
    {
        if (Runes(word) > longestWord)
        {
            ids.Add(Settings.Unknown);
            return;
        }
        int start = ids.Count;
        int capacity = Encoding.UTF8.GetMaxByteCount(word.Length) + 1;
        Span<byte> buffer = capacity <= 1024 ? stackalloc byte[1024] : new byte[capacity];
        buffer[0] = (byte)' ';
        ReadOnlySpan<byte> rest = buffer[..(1 + Encoding.UTF8.GetBytes(word, buffer[1..]))];
        while (!rest.IsEmpty)
        {
            int id = -1;
            // Only at the beginning does a space stand for a word's; a word may hold one where nothing cuts at them.
            int length = ids.Count > start && rest[0] == ' ' ? 0 : LongestPrefix(rest, out id);
            if (length == 0)
            {
                ids.Truncate(start);
                ids.Add(Settings.Unknown);
                return;
            }
            ids.Add(id);
            rest = rest[length..];
        }
    }

    private int LongestPrefix(ReadOnlySpan<byte> rest, out int id)
    {
        for (int length = Math.Min(rest.Length, _longestToken); length > 0; length--)
        {
            id = Vocabulary.Find(rest[..length]);
            if (id >= 0) return length;
        }
        id = -1;
        return 0;
    }

    private static int Runes(ReadOnlySpan<char> word)
    {
        int count = 0;
        foreach (Rune _ in word.EnumerateRunes()) count++;
        return count;
    }

    private static int LongestToken(Vocabulary vocabulary)
    {
        int longest = 0;
        for (int id = 0; id < vocabulary.Count; id++) longest = Math.Max(longest, vocabulary.Bytes(id).Length);
        return longest;
    }

    private sealed class Words(WordPieceTokenizer tokenizer, TokenList ids) : IPieceSink
    {
        public void Add(ReadOnlySpan<char> piece) => tokenizer.EncodeWord(piece, ids);
    }
}
