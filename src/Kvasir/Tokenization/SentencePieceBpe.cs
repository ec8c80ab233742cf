namespace Kvasir.Tokenization;

/// <summary>SentencePiece's kind of byte-pair encoding: over characters, space being a character of its own.</summary>
internal static class SentencePieceBpe
{
    /// <summary>
    /// The tokenizer. Where no token has a space after another character, words can be merged one by one with the same result;
    /// then the text is cut before spaces.
    /// </summary>
    public static BpeTokenizer Create(
        Vocabulary vocabulary, TokenizerSettings settings, MergeTable merges, IReadOnlyDictionary<int, int> tokenless,
        PreTokenizer? preTokenizer, Func<string> identity, bool wholePieces = false, bool fusesUnknown = false)
    {
        var model = new BpeModel(vocabulary, merges)
        {
            CharacterSymbols = true,
            Unknown = settings.Unknown,
            Tokenless = tokenless,
            WholePieces = wholePieces,
            FusesUnknown = fusesUnknown,
        };
        preTokenizer ??= JoinsWords(vocabulary) ? PreTokenizer.Sequence() : new SpaceSplitter(everySpace: false);
        return new BpeTokenizer(vocabulary, settings, model, preTokenizer, identity);
    }

    /// <summary>SentencePiece's own: its mark for a space is a space, and a space may be put before the text.</summary>
    public static TextNormalizer Normalizer(bool addsPrefix)
    {
        TextNormalizer.Step unmark = TextNormalizer.Replace(TokenSpellings.SpaceMark.ToString(), " ");
        return addsPrefix ? new TextNormalizer(unmark, TextNormalizer.Prepend(" ")) : new TextNormalizer(unmark);
    }

    private static bool JoinsWords(Vocabulary vocabulary)
    {
        for (int id = 0; id < vocabulary.Count; id++)
        {
            ReadOnlySpan<byte> token = vocabulary.Bytes(id).TrimStart((byte)' ');
            if (token.Contains((byte)' ') && vocabulary.Find(vocabulary.Bytes(id)) == id) return true;
        }
        return false;
    }
}
