using Kvasir.Documents.Answering;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Reading;

namespace Kvasir.Documents.Asking;

/// <summary>Finds the chunks of a catalog that fit a question best: embeddings and words, fused by rank.</summary>
internal sealed class Retriever(ITextEncoder encoder) : IDisposable
{
    private PassageIndex? _index;

    /// <summary>The best <paramref name="count"/> passages, best first.</summary>
    public Found Find(ICatalog catalog, string question, int count, PathScope? within) =>
        Find(catalog, question, encoder.Embed(question), count, within);

    /// <summary>The same with words and an embedding that need not be of one text.</summary>
    public Found Find(ICatalog catalog, string words, ReadOnlyMemory<float> embedding, int count, PathScope? within) =>
        Look(catalog, within, index => index.Find(words, embedding.Span, count));

    /// <summary>The <paramref name="count"/> passages whose embeddings are nearest, best first.</summary>
    public Found Nearest(ICatalog catalog, ReadOnlyMemory<float> embedding, int count, PathScope? within) =>
        Look(catalog, within, index => index.Nearest(embedding.Span, count));

    public void Dispose() => _index?.Dispose();

    private Found Look(ICatalog catalog, PathScope? within, Func<PassageIndex, Found> look) => catalog.Reading(() =>
    {
        if (_index?.IsOf(catalog, within) != true)
        {
            _index?.Dispose();
            _index = new PassageIndex(catalog, encoder.Identity, PieceVectors.Encoder(encoder), within);
        }

        return look(_index);
    });

    /// <summary>A chunk of the catalog as a passage.</summary>
    public static Passage NewPassage(string file, StoredDocument document, int part, StoredChunk chunk) => new()
    {
        File = file,
        DocumentId = document.Id,
        Title = document.Title,
        Chunk = part,
        Parts = document.Parts,
        Start = chunk.Start,
        Text = PictureMark.Shown(chunk.Text),
        Stored = chunk.Text,
        Score = 0,
        Cosine = 0,
        Bm25 = 0,
        KvName = chunk.KvName,
    };
}
