using Kvasir.Documents.Retrieval;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>Finds the chunks of a catalog that fit a question best: embeddings and words, fused by rank.</summary>
internal static class Retriever
{
    /// <summary>What of a chunk is embedded and whose words are counted: its text, with the document's title before it where it does not name it.</summary>
    public static string IndexedText(string title, string chunk) =>
        title.Length == 0 || chunk.Contains(title, StringComparison.OrdinalIgnoreCase) ? chunk : $"{title}\n{chunk}";

    /// <summary>The best <paramref name="count"/> passages, best first.</summary>
    public static List<Passage> Search(Catalog catalog, ITextEncoder encoder, string question, int count, PathScope? within)
    {
        var chunks = new List<(StoredDocument Document, int Index)>();
        var vectors = new List<ReadOnlyMemory<float>?>();
        foreach (StoredDocument document in catalog.Files.Where(file => within?.Contains(file.Path) != false).SelectMany(catalog.DocumentsOf))
        {
            StoredVectors? embedded = catalog.Vectors(encoder.Identity, document);
            for (int i = 0; i < document.Chunks.Length; i++)
            {
                chunks.Add((document, i));
                vectors.Add(embedded?.Of(i));
            }
        }

        float[] cosines = new VectorIndex(vectors).Scores(encoder.Embed(question));
        float[] words = new Bm25Index([.. chunks.Select(chunk => chunk.Document.Chunks[chunk.Index].Terms)]).Scores(question);
        float[] fused = RankFusion.Fuse(cosines, words);
        return [.. RankFusion.Ranking(fused).Take(count).Select(i => NewPassage(catalog, chunks[i].Document, chunks[i].Index, fused[i], cosines[i], words[i]))];
    }

    /// <summary>A chunk of the catalog as a passage.</summary>
    public static Passage NewPassage(Catalog catalog, StoredDocument document, int index, float score = 0, float cosine = 0, float bm25 = 0) => new()
    {
        File = document.File,
        DocumentId = document.Id,
        Title = document.Title,
        Chunk = index,
        Start = document.Chunks[index].Start,
        Text = catalog.Text(document.Chunks[index]),
        Score = score,
        Cosine = cosine,
        Bm25 = bm25,
        KvName = document.Chunks[index].KvName,
    };
}
