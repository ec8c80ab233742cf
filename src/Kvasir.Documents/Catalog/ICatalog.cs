namespace Kvasir.Documents.Catalog;

/// <summary>
/// What a store knows: files with their documents, the texts of chunks with their words and embeddings, what its KV is of, and settings.
/// Only what is asked of it is here, so that another database can stand behind it. One thread at a time uses it; the holder of the store's
/// lock alone writes. What is read has been checked: what is damaged is left out, told, and named by <see cref="Lost"/>.
/// </summary>
internal interface ICatalog : IDisposable
{
    /// <summary>Changes with every change to the catalog, by whomever.</summary>
    (long Others, long Own) Version { get; }

    /// <summary>Bytes of everything but the embeddings, and of these.</summary>
    (long Texts, long Embeddings) Bytes { get; }

    /// <summary>Reads one state, whatever is written meanwhile.</summary>
    T Reading<T>(Func<T> read);

    /// <summary>The files whose documents are part of the store, by path.</summary>
    IReadOnlyList<StoredFile> Files();

    StoredFile? File(string path);

    /// <summary>Documents, chunks, tokens and bytes of text; of one file, or of all.</summary>
    (int Documents, int Chunks, long Tokens, long TextBytes) Count(string? path = null);

    /// <summary>A file's documents in order; or those that an unfinished ingest has added.</summary>
    IReadOnlyList<StoredDocument> Documents(string path, bool unfinished = false);

    IReadOnlyList<StoredChunk> Chunks(StoredDocument document);

    /// <summary>Files of which something is lost to damage.</summary>
    IReadOnlyList<string> Lost();

    /// <summary>Whether rows are gone that <see cref="Lost"/> cannot name.</summary>
    bool LacksRows();

    /// <summary>Adds a document of a file, which becomes part of the store with <see cref="Commit"/>.</summary>
    StoredDocument Add(string path, DocumentContent content);

    /// <summary>Makes the documents those of the file, in place of any that it had, at once and durable; without any, it goes.</summary>
    void Commit(StoredFile file, IReadOnlyList<StoredDocument> documents);

    /// <summary>
    /// Frees texts that no document has any more, and with <paramref name="unfinished"/> what interrupted ingests have added.
    /// </summary>
    void Sweep(bool unfinished);

    /// <summary>Whether every chunk of a file's documents has an embedding.</summary>
    bool IsEmbedded(string path, string encoder);

    /// <summary>A text's embedding, a row of length 1 (or all 0); null where there is none, or it is not what was written.</summary>
    float[]? Embedding(string encoder, long text);

    /// <summary>Visits the sound embeddings by an encoder, each as its direction in 8 bits, in the order of their texts.</summary>
    void Embeddings(string encoder, EmbeddingVisitor visit);

    void Embed(string encoder, IReadOnlyList<(long Text, float[] Vector)> vectors);

    /// <summary>The encoders that have embedded anything.</summary>
    IReadOnlyList<string> Encoders();

    /// <summary>The texts of files, or of all of them, in order.</summary>
    long[] Texts(IReadOnlyCollection<string>? paths);

    /// <summary>Where a text stands.</summary>
    IReadOnlyList<TextPlace> Places(long text);

    /// <summary>The texts that hold a word, in order, of most common words the first <paramref name="most"/>.</summary>
    long[] TextsWith(string word, int most);

    /// <summary>Texts by BM25 of some words, best first.</summary>
    IReadOnlyList<(long Text, float Score)> Rank(IReadOnlyList<string> words, int most);

    /// <summary>Whether a text has this name for its KV.</summary>
    bool HasKv(string name);

    IReadOnlyList<KvDescription> Shelves();

    void Describe(KvDescription shelf);

    void Forget(KvDescription shelf);

    long? KvQuota { get; set; }

    /// <summary>Checks everything: what is wrong with the database, and documents with damaged embeddings.</summary>
    (IReadOnlyList<string> Problems, int Embeddings) Verify();

    /// <summary>Writes a copy of the state now to a new file.</summary>
    void Backup(string path);
}

/// <summary>Takes a text's embedding, valid until it returns.</summary>
internal delegate void EmbeddingVisitor(long text, ReadOnlySpan<sbyte> row);
