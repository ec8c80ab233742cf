using Kvasir.Documents.Catalog;
using Kvasir.Documents.Reading;

namespace Kvasir.Documents.Storage;

/// <summary>What a store holds, in numbers.</summary>
public sealed record StoreStatistics
{
    /// <summary>Files.</summary>
    public required int Files { get; init; }

    /// <summary>Documents in them.</summary>
    public required int Documents { get; init; }

    /// <summary>Chunks of the documents.</summary>
    public required int Chunks { get; init; }

    /// <summary>Tokens of the chunks.</summary>
    public required long Tokens { get; init; }

    /// <summary>Bytes of their texts.</summary>
    public required long TextBytes { get; init; }

    /// <summary>Bytes of the catalog: texts, terms.</summary>
    public required long CatalogBytes { get; init; }

    /// <summary>Bytes of the embeddings.</summary>
    public required long VectorBytes { get; init; }

    /// <summary>Damaged records of the catalog that were passed over; ingesting the documents again brings back what they held.</summary>
    public required int DamagedRecords { get; init; }

    /// <summary>The most bytes that it may take, or null for no limit.</summary>
    public long? KvQuota { get; init; }

    /// <summary>The stored KV, one entry per model, policy and prompt prefix.</summary>
    public required IReadOnlyList<StoredKvInfo> Kv { get; init; }

    /// <summary>Bytes of all stored KV.</summary>
    public long KvBytes => Kv.Sum(kv => kv.Bytes);
}

/// <summary>The stored KV of one model and policy.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="ModelIdentity">SHA-256 (hex) of the model.</param>
/// <param name="Policy">How keys and values are kept.</param>
/// <param name="Chunks">Chunks whose KV is stored.</param>
/// <param name="Bytes">Bytes of the KV files.</param>
/// <param name="TokensPerSecond">How fast they were computed, or null where that is not known.</param>
public sealed record StoredKvInfo(string Model, string ModelIdentity, string Policy, int Chunks, long Bytes, double? TokensPerSecond);

/// <summary>A stored file.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Documents">Documents in it.</param>
/// <param name="Chunks">Chunks of the documents.</param>
/// <param name="Tokens">Tokens of the chunks.</param>
/// <param name="State">What has become of it since.</param>
public sealed record StoredFileInfo(string Path, int Documents, int Chunks, long Tokens, StoredFileState State);

/// <summary>The outcome of checking a store.</summary>
/// <param name="Kv">The stored KV of the model, by policy.</param>
/// <param name="DamagedRecords">Damaged records of the catalog.</param>
public sealed record StoreVerification(IReadOnlyList<ShelfVerification> Kv, int DamagedRecords)
{
    /// <summary>Documents whose embeddings are lost or damaged: words alone find them until the next ingest embeds them again.</summary>
    public int DamagedVectors { get; init; }

    /// <summary>Whether nothing is damaged.</summary>
    public bool IsSound => Damaged.Count == 0 && DamagedRecords == 0 && DamagedVectors == 0;

    /// <summary>KV files of chunks that were checked, over all policies.</summary>
    public int Chunks => Kv.Sum(shelf => shelf.Chunks);

    /// <summary>Chunks without KV, by policy and summed up; it is computed when they are asked for or ingested.</summary>
    public int Missing => Kv.Sum(shelf => shelf.Missing);

    /// <summary>KV files that do not hold what they should, each with what is wrong.</summary>
    public IReadOnlyList<SkippedFile> Damaged => [.. Kv.SelectMany(shelf => shelf.Damaged)];
}

/// <summary>The outcome of checking the KV kept under one policy.</summary>
/// <param name="Policy">How keys and values are kept.</param>
/// <param name="Chunks">Chunks whose KV was checked.</param>
/// <param name="Missing">Chunks without KV.</param>
/// <param name="Damaged">KV files that do not hold what they should, each with what is wrong.</param>
public sealed record ShelfVerification(string Policy, int Chunks, int Missing, IReadOnlyList<SkippedFile> Damaged);
