namespace Kvasir.Tokenization;

/// <summary>Byte-pair encoding, byte-level or over characters: normalise, cut into pieces, merge each piece.</summary>
internal sealed class BpeTokenizer(Vocabulary vocabulary, TokenizerSettings settings, BpeModel model, TextNormalizer? normalizer, PreTokenizer preTokenizer, string identity)
    : VocabularyTokenizer(vocabulary, settings)
{
    /// <inheritdoc/>
    public override string Identity => identity;

    /// <inheritdoc/>
    protected override void EncodePlain(ReadOnlySpan<char> text, bool first, TokenList ids)
    {
        ReadOnlySpan<char> normalized = normalizer is null ? text : normalizer.Normalize(text, first);
        if (!normalized.IsEmpty)
        {
            preTokenizer.Split(normalized, new Pieces(model, ids));
        }
    }

    private sealed class Pieces(BpeModel model, TokenList ids) : IPieceSink
    {
        public void Add(ReadOnlySpan<char> piece) => model.Encode(piece, ids);
    }
}
