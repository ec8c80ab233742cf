using System.Linq.Expressions;
using Kvasir.Documents;
using Kvasir.Documents.Asking;
using Kvasir.Models;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;
using Result = Microsoft.Extensions.VectorData.VectorSearchResult<Kvasir.Extensions.AI.DocumentPassage>;

namespace Kvasir.Extensions.AI;

/// <summary>
/// A document store as .NET's vector store collection. Its records are the stored chunks of documents: they are searched and read here, and
/// come and go with the files that they are of (<see cref="UseAsync"/>). Any number of callers at once, one after another.
/// </summary>
/// <example><code>
/// using var documents = new KvasirDocuments("my-store", model, encoder);
/// await documents.UseAsync(library => library.Ingest(["handbook/"]));
/// await foreach (var found in documents.HybridSearchAsync("Who approves travel?", [], top: 3))
///     Console.WriteLine($"{found.Record.Key}: {found.Record.Text}");
/// </code></example>
public sealed class KvasirDocuments : VectorStoreCollection<string, DocumentPassage>, IKeywordHybridSearchable<DocumentPassage>
{
    private readonly DocumentLibrary _library;
    private readonly bool _owns;
    private readonly SemaphoreSlim _turn = new(1);
    private bool _disposed;

    /// <summary>A collection on a library, which is not disposed with it, and which nobody else is to use meanwhile.</summary>
    /// <param name="library">The library.</param>
    /// <param name="name">What the collection is called; null for the name of the store's folder.</param>
    public KvasirDocuments(DocumentLibrary library, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(library);
        (_library, Name) = (library, name ?? Path.GetFileName(library.Store.Folder));
    }

    /// <summary>A collection with a library of its own, disposed with it.</summary>
    /// <param name="storeFolder">The store's folder, made where it is missing.</param>
    /// <param name="model">The language model; it must outlive the collection.</param>
    /// <param name="encoder">The sentence encoder, which must outlive the collection; null for hybrid search by words alone.</param>
    /// <param name="options">Chunk size and KV policy.</param>
    /// <inheritdoc cref="DocumentLibrary.Open(string, Model, Model?, LibraryOptions?)" path="/exception"/>
    public KvasirDocuments(string storeFolder, Model model, Model? encoder, LibraryOptions? options = null)
        : this(DocumentLibrary.Open(storeFolder, model, encoder, options)) => _owns = true;

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>Uses the library when it is free: to ingest files, to remove them, to answer questions from them.</summary>
    /// <param name="use">Gets the library, on another thread; it is not to be kept.</param>
    /// <param name="cancellationToken">Ends the waiting; not what <paramref name="use"/> does.</param>
    /// <exception cref="ObjectDisposedException">The collection is disposed of.</exception>
    public async Task<T> UseAsync<T>(Func<DocumentLibrary, T> use, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(use);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return await Task.Run(() => use(_library), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The chunks whose embeddings have the greatest cosine with that of a text, above 0; the score is the cosine.</summary>
    /// <param name="searchValue">A text, or an embedding by the same encoder: <c>float[]</c>, <c>ReadOnlyMemory</c> or
    /// <see cref="Embedding{T}"/>.</param>
    /// <param name="top">Records, at most.</param>
    /// <param name="options">Filter, records to skip, least score.</param>
    /// <param name="cancellationToken">Ends the waiting for others.</param>
    /// <exception cref="NotSupportedException">There is no encoder, or something else is asked for; the message says what.</exception>
    /// <exception cref="InvalidInputException">The embedding is not by the collection's encoder.</exception>
    public override IAsyncEnumerable<Result> SearchAsync<TInput>(TInput searchValue, int top,
        VectorSearchOptions<DocumentPassage>? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new VectorSearchOptions<DocumentPassage>();
        if (options.VectorProperty is not null) throw WithoutVectors();
        CheckVectors(options.IncludeVectors);
        var query = new PassageQuery(options.Filter?.Compile(), top, options.Skip, options.ScoreThreshold);
        return FindAsync(query, library =>
        {
            ReadOnlyMemory<float> embedding = PassageQuery.Embedding(library, searchValue) ?? throw new NotSupportedException(
                "Kvasir: this collection has no encoder to search by meaning; call HybridSearchAsync, which finds by words too");
            return count => library.Nearest(embedding, count);
        }, cancellationToken);
    }

    /// <summary>
    /// The chunks that fit best by the embedding of a text, those of their sentences, and words, fused by rank; the score is the fused one,
    /// at most 3/61.
    /// </summary>
    /// <param name="searchValue">A text, usually the question, or an embedding of one; without an encoder words alone are looked
    /// for.</param>
    /// <param name="keywords">The words; none for those of the text.</param>
    /// <inheritdoc cref="SearchAsync"/>
#pragma warning disable CS1573 // inherited
    public IAsyncEnumerable<Result> HybridSearchAsync<TInput>(TInput searchValue, ICollection<string> keywords, int top,
        HybridSearchOptions<DocumentPassage>? options = null, CancellationToken cancellationToken = default)
        where TInput : notnull
#pragma warning restore CS1573
    {
        ArgumentNullException.ThrowIfNull(keywords);
        options ??= new HybridSearchOptions<DocumentPassage>();
        if (options.VectorProperty is not null) throw WithoutVectors();
        if (options.AdditionalProperty is { } words && words.Body is not MemberExpression { Member.Name: nameof(DocumentPassage.Text) })
            throw new NotSupportedException("Kvasir: words are looked for in DocumentPassage.Text; leave AdditionalProperty out");
        CheckVectors(options.IncludeVectors);
        var query = new PassageQuery(options.Filter?.Compile(), top, options.Skip, options.ScoreThreshold);
        return FindAsync(query, library =>
        {
            ReadOnlyMemory<float> embedding = PassageQuery.Embedding(library, searchValue) ?? default;
            string looked = keywords.Count == 0 && searchValue is string text ? text : string.Join(' ', keywords);
            return count => library.Search(looked, embedding, count);
        }, cancellationToken);
    }

    /// <inheritdoc/>
    /// <returns>The record; null where the store has none there.</returns>
    public override Task<DocumentPassage?> GetAsync(
        string key, RecordRetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        CheckVectors(options?.IncludeVectors);
        return UseAsync(library => Stored(library, key), cancellationToken);
    }

    /// <summary>The records that a filter lets through, in the order of files and their texts unless another is asked for: a walk over the
    /// whole store.</summary>
    /// <inheritdoc/>
    public override async IAsyncEnumerable<DocumentPassage> GetAsync(
        Expression<Func<DocumentPassage, bool>> filter, int top, FilteredRecordRetrievalOptions<DocumentPassage>? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(top);
        options ??= new FilteredRecordRetrievalOptions<DocumentPassage>();
        CheckVectors(options.IncludeVectors);
        List<DocumentPassage> found = await UseAsync(library =>
        {
            IEnumerable<DocumentPassage> records = library.Store.List().SelectMany(file => library.Chunks(file.Path))
                .Select(DocumentPassage.Of).Where(filter.Compile());
            foreach (var by in (options.OrderBy?.Invoke(new()).Values ?? []).Reverse())
                records = by.Ascending ? records.OrderBy(by.PropertySelector.Compile())
                    : records.OrderByDescending(by.PropertySelector.Compile());
            return records.Skip(options.Skip).Take(top).ToList();
        }, cancellationToken).ConfigureAwait(false);
        foreach (DocumentPassage record in found) yield return record;
    }

    /// <summary>True: the store is made when it is opened.</summary>
    /// <inheritdoc/>
    public override Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) => Task.FromResult(true);

    /// <summary>Does nothing: the store is made when it is opened.</summary>
    /// <inheritdoc/>
    public override Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <summary>Not supported: a store in use is not deleted.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    /// <inheritdoc/>
    public override Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException(
        "Kvasir: the store is in use; dispose of the collection and delete its folder, or remove files: "
        + "UseAsync(library => library.Store.Remove(path))");

    /// <inheritdoc cref="DeleteAsync(IEnumerable{string}, CancellationToken)"/>
    public override Task DeleteAsync(string key, CancellationToken cancellationToken = default) => DeleteAsync([key], cancellationToken);

    /// <summary>
    /// Takes files out of the store whose chunks are all named; the files themselves stay. Keys of nothing are passed over.
    /// </summary>
    /// <exception cref="NotSupportedException">Some chunks of a file are named and others not; then nothing is removed.</exception>
    /// <inheritdoc/>
    public override Task DeleteAsync(IEnumerable<string> keys, CancellationToken cancellationToken = default) => UseAsync(library =>
    {
        HashSet<string> named = [.. keys.Select(key => Stored(library, key)?.Key).OfType<string>()];
        string[] files = [.. named.Select(key => DocumentPassage.Place(key)!.Value.File).Distinct(StringComparer.Ordinal)];
        string? partly = Array.Find(files, file => !library.Chunks(file).All(chunk => named.Contains(DocumentPassage.Of(chunk).Key)));
        if (partly is not null)
            throw new NotSupportedException($"Kvasir: chunks leave the store with their file; name all of {partly}, or call "
                + "UseAsync(library => library.Store.Remove(path))");
        return files.Sum(library.Store.Remove);
    }, cancellationToken);

    /// <summary>Not supported: chunks are cut from files.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    /// <inheritdoc/>
    public override Task UpsertAsync(DocumentPassage record, CancellationToken cancellationToken = default) =>
        UpsertAsync([record], cancellationToken);

    /// <inheritdoc cref="UpsertAsync(DocumentPassage, CancellationToken)"/>
    public override Task UpsertAsync(IEnumerable<DocumentPassage> records, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(
            "Kvasir: chunks are cut from files; write the text to a file and call UseAsync(library => library.Ingest([path]))");

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null : serviceType == typeof(VectorStoreCollectionMetadata)
            ? new VectorStoreCollectionMetadata
            {
                VectorStoreSystemName = "kvasir",
                VectorStoreName = _library.Store.Folder,
                CollectionName = Name,
            }
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Waits for who is using the library, and closes it where it is the collection's own.</summary>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        _turn.Wait();
        if (!_disposed && _owns) _library.Dispose();
        _disposed = true;
        _turn.Release();
    }

    private async IAsyncEnumerable<Result> FindAsync(PassageQuery query,
        Func<DocumentLibrary, Func<int, IReadOnlyList<Passage>>> search, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (Result result in await UseAsync(library => query.Of(search(library)), cancellation).ConfigureAwait(false))
            yield return result;
    }

    private static DocumentPassage? Stored(DocumentLibrary library, string key) => DocumentPassage.Place(key) is var (file, id, chunk)
        && library.Chunk(file, id, chunk) is { } passage ? DocumentPassage.Of(passage) : null;

    private static void CheckVectors(bool? included)
    {
        if (included == true) throw WithoutVectors();
    }

    private static NotSupportedException WithoutVectors() => new(
        "Kvasir: records come without vectors, which stay in the store; to have one, embed the record's text "
        + "(KvasirEmbeddingGenerator) or search with a vector");
}
