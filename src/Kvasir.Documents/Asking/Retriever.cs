using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>Finds the chunks of a catalog that fit a question best: embeddings and words, fused by rank.</summary>
internal sealed class Retriever(ITextEncoder encoder)
{
    private PassageIndex? _index;

    /// <summary>What of a chunk is embedded and whose words are counted: its text, with the document's title before it where it does not name it.</summary>
    public static string IndexedText(string title, string chunk) =>
        title.Length == 0 || chunk.Contains(title, StringComparison.OrdinalIgnoreCase) ? chunk : $"{title}\n{chunk}";

    /// <summary>The best <paramref name="count"/> passages, best first.</summary>
    public Found Find(Catalog catalog, string question, int count, PathScope? within)
    {
        if (_index?.IsOf(catalog, within) != true)
            _index = new PassageIndex(catalog, encoder.Identity, PieceVectors.Encoder(encoder), within);

        return _index.Find(question, encoder.Embed(question), count);
    }

    /// <summary>A chunk of the catalog as a passage.</summary>
    public static Passage NewPassage(Catalog catalog, StoredDocument document, int index, float score = 0, float cosine = 0, float bm25 = 0) => new()
    {
        File = document.File,
        DocumentId = document.Id,
        Title = document.Title,
        Chunk = index,
        Parts = document.Chunks.Length,
        Start = document.Chunks[index].Start,
        Text = catalog.Text(document.Chunks[index]),
        Score = score,
        Cosine = cosine,
        Bm25 = bm25,
        KvName = document.Chunks[index].KvName,
    };
}
