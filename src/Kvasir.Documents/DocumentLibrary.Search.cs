using Kvasir.Documents.Answering;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents;

/// <content>What is found without being answered.</content>
public sealed partial class DocumentLibrary
{
    /// <summary>The chunks that fit a question best, best first.</summary>
    /// <param name="question">The question.</param>
    /// <param name="count">Chunks, at most.</param>
    /// <param name="within">Files and folders to search; null for everything in the store.</param>
    public IReadOnlyList<Passage> Search(string question, int count = 5, IReadOnlyList<string>? within = null) =>
        Told(_retriever.Find(Store.Catalog, question, count, Scope(within))).Passages;

    /// <summary>As <see cref="Search(string, int, IReadOnlyList{string}?)"/>, by words and an embedding that need not be of one
    /// text.</summary>
    /// <param name="words">The words to look for.</param>
    /// <param name="embedding">The encoder's embedding of what is looked for, of any length; empty for words alone.</param>
    /// <param name="count">Chunks, at most.</param>
    /// <param name="within">Files and folders to search; null for everything in the store.</param>
    /// <exception cref="InvalidInputException">The embedding is not by the library's encoder: its dimensions differ, or there is no
    /// encoder.</exception>
    public IReadOnlyList<Passage> Search(
        string words, ReadOnlyMemory<float> embedding, int count = 5, IReadOnlyList<string>? within = null)
    {
        if (embedding.Length > 0) CheckEmbedding(embedding);
        return Told(_retriever.Find(Store.Catalog, words, embedding, count, Scope(within))).Passages;
    }

    /// <summary>The chunks whose embeddings have the greatest cosine with one, if it is above 0; best first.</summary>
    /// <param name="embedding">The encoder's embedding of what is looked for, of any length.</param>
    /// <param name="count">Chunks, at most.</param>
    /// <param name="within">Files and folders to search; null for everything in the store.</param>
    /// <inheritdoc cref="Search(string, ReadOnlyMemory{float}, int, IReadOnlyList{string}?)" path="/exception"/>
    public IReadOnlyList<Passage> Nearest(ReadOnlyMemory<float> embedding, int count = 5, IReadOnlyList<string>? within = null)
    {
        CheckEmbedding(embedding);
        return Told(_retriever.Nearest(Store.Catalog, embedding, count, Scope(within))).Passages;
    }

    /// <summary>The encoder's embedding of a text, of length 1; null where the library has no encoder.</summary>
    /// <param name="text">The text.</param>
    public float[]? Embed(string text) => _encoder is WordsAlone ? null : _encoder.Embed(text);

    /// <summary>All chunks of a stored file's documents, in their order, without scores.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidInputException">It is not in the store.</exception>
    public IReadOnlyList<Passage> Chunks(string path)
    {
        path = Path.GetFullPath(path);
        return Store.Catalog.File(path) is null
            ? throw new InvalidInputException($"{path}: not in the store; ingest it first")
            : [.. Store.Catalog.Documents(path)
                .SelectMany(document =>
                Store.Catalog.Chunks(document).Select((chunk, i) => Retriever.NewPassage(path, document, i, chunk)))];
    }

    /// <summary>A stored chunk by its place, without scores; null where the store has none there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="documentId">The document's id within the file (JSON Lines); null for a file that is one document.</param>
    /// <param name="chunk">Index of the chunk in its document.</param>
    public Passage? Chunk(string path, string? documentId, int chunk)
    {
        path = Path.GetFullPath(path);
        return Store.Catalog.Reading(() => Store.Catalog.Documents(path).FirstOrDefault(one => one.Id == documentId) is { } document
            && Store.Catalog.Chunks(document) is { } chunks && chunk >= 0 && chunk < chunks.Count
            ? Retriever.NewPassage(path, document, chunk, chunks[chunk]) : null);
    }

    private static PathScope? Scope(IReadOnlyList<string>? within) => within is null ? null : new PathScope(within);

    private void CheckEmbedding(ReadOnlyMemory<float> embedding)
    {
        if (_encoder is WordsAlone) throw new InvalidInputException("no encoder has embedded these documents; search them by words");
        if (!embedding.Span.ContainsAnyExcept(0f)) throw new InvalidInputException("an embedding of zeros has no direction to search in");
    }

    /// <summary>What was found, once its files without sound embeddings are warned of.</summary>
    private Found Told(Found found)
    {
        if (found.WordsAlone.Count > 0)
            Store.FileAccess.Warn(StoreWarning.Lost(
                $"{Store.Folder}: no sound embeddings by this encoder of {DocumentStore.Several(found.WordsAlone)}: words alone find them",
                found.WordsAlone));

        return found;
    }
}
