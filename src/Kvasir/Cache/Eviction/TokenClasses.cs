using Kvasir.Tokenization;

namespace Kvasir.Cache.Eviction;

/// <summary>
/// Which ids of a vocabulary are special tokens, and which punctuation: text that without white space is not empty and consists of ASCII
/// punctuation and characters that Unicode calls punctuation. Derived from any tokenizer.
/// </summary>
internal sealed class TokenClasses(Tokenizer tokenizer)
{
    private readonly TokenClass[] _known = new TokenClass[tokenizer.VocabularySize];

    private enum TokenClass : byte
    {
        Unknown, Special, Punctuation, Other,
    }

    public bool IsSpecial(int id) => Of(id) == TokenClass.Special;

    public bool IsPunctuation(int id) => Of(id) == TokenClass.Punctuation;

    /// <summary>
    /// A token is looked at when it is asked for first: texts have few of a vocabulary's. Threads that do so at once find the same.
    /// </summary>
    private TokenClass Of(int id)
    {
        if (id < 0 || id >= _known.Length) return TokenClass.Other;
        if (_known[id] == TokenClass.Unknown)
        {
            _known[id] = tokenizer.IsSpecial(id) ? TokenClass.Special
                : IsPunctuation(tokenizer.Decode([id])) ? TokenClass.Punctuation : TokenClass.Other;
        }
        return _known[id];
    }

    /// <summary>Whether a text is punctuation.</summary>
    public static bool IsPunctuation(string text)
    {
        string bare = text.Trim();
        return bare.Length > 0 && bare.EnumerateRunes().All(rune => Rune.IsPunctuation(rune) || (rune.IsAscii && Rune.IsSymbol(rune)));
    }
}
