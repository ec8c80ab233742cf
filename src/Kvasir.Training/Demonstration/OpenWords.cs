using Kvasir.Tokenization;

namespace Kvasir.Training.Demonstration;

/// <summary>
/// Words of any kind, whole tokens of a vocabulary and words put together from its pieces: what a passage states need not look like
/// anything that was learned, and still is to be copied letter by letter.
/// </summary>
internal sealed class OpenWords
{
    private const int MostWords = 3, ShortestWord = 3, LongestPiece = 5, WholePercent = 45;

    private readonly string[] _words, _pieces;

    /// <param name="tokenizer">Its tokens of letters are what words are made of.</param>
    public OpenWords(Tokenizer tokenizer)
    {
        string[] tokens = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(id => Encoding.UTF8.GetString(tokenizer.Bytes(id)))];
        _words = [.. tokens.Where(token => token.StartsWith(' ')).Select(token => token[1..])
            .Where(word => word.Length >= ShortestWord && IsWord(word))];
        _pieces = [.. tokens.Where(token => token.Length is > 0 and <= LongestPiece && IsWord(token))
            .Select(piece => piece.ToLowerInvariant())];
    }

    /// <summary>One to three words; with capitals if <paramref name="value"/> has one.</summary>
    public string InPlaceOf(string value, Draws draws)
    {
        bool isName = value.Any(char.IsUpper);
        string[] words = new string[Math.Min(draws.Between(1, MostWords), draws.Between(1, MostWords))];
        for (int i = 0; i < words.Length; i++)
        {
            string word = _words.Length > 0 && draws.Chance(WholePercent) ? draws.Pick(_words)
                : string.Concat(Enumerable.Range(0, draws.Between(2, 3)).Select(_ => draws.Pick(_pieces)));
            words[i] = isName ? Draws.Capitalised(word) : word.ToLowerInvariant();
        }
        return string.Join(' ', words);
    }

    private static bool IsWord(string text) => text.All(char.IsAsciiLetter);
}
