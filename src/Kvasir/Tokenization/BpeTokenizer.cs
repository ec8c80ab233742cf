namespace Kvasir.Tokenization;

/// <summary>Byte-pair encoding, byte-level or over characters: cut into pieces, merge each piece.</summary>
internal sealed class BpeTokenizer(
    Vocabulary vocabulary, TokenizerSettings settings, BpeModel model, PreTokenizer preTokenizer, Func<string> identity)
    : VocabularyTokenizer(vocabulary, settings, identity)
{
    /// <inheritdoc/>
    protected override void EncodePlain(ReadOnlySpan<char> text, TokenList ids) => preTokenizer.Split(text, new Pieces(model, ids));

    private sealed class Pieces(BpeModel model, TokenList ids) : IPieceSink
    {
        public void Add(ReadOnlySpan<char> piece) => model.Encode(piece, ids);
    }
}
