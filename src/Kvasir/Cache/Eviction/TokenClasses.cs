using Kvasir.Tokenization;

namespace Kvasir.Cache.Eviction;

/// <summary>
/// Which ids of a vocabulary are special tokens, and which punctuation: text that without white space is not empty and consists of ASCII
/// punctuation and characters that Unicode calls punctuation. Derived from any tokenizer.
/// </summary>
internal sealed class TokenClasses
{
    private readonly bool[] _special, _punctuation;

    public TokenClasses(Tokenizer tokenizer)
    {
        (_special, _punctuation) = (new bool[tokenizer.VocabularySize], new bool[tokenizer.VocabularySize]);
        for (int id = 0; id < _special.Length; id++)
        {
            _special[id] = tokenizer.IsSpecial(id);
            _punctuation[id] = !_special[id] && IsPunctuation(tokenizer.Decode([id]));
        }
    }

    public bool IsSpecial(int id) => id >= 0 && id < _special.Length && _special[id];

    public bool IsPunctuation(int id) => id >= 0 && id < _punctuation.Length && _punctuation[id];

    /// <summary>Whether a text is punctuation.</summary>
    public static bool IsPunctuation(string text)
    {
        string bare = text.Trim();
        return bare.Length > 0 && bare.EnumerateRunes().All(rune => Rune.IsPunctuation(rune) || (rune.IsAscii && Rune.IsSymbol(rune)));
    }
}
