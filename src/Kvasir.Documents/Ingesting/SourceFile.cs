using Kvasir.Documents.Catalog;

namespace Kvasir.Documents.Ingesting;

/// <summary>A file to bring into the store, and what the store has of it; immutable, so that any thread may work on it.</summary>
internal sealed record SourceFile
{
    /// <summary>Full path.</summary>
    public required string Path { get; init; }

    /// <summary>Named itself, not found in a folder: it is an error if it cannot be read.</summary>
    public required bool Named { get; init; }

    /// <summary>
    /// Bytes, and the time of the last change; taken before the file is read, so that a change during reading is noticed the next time.
    /// </summary>
    public required long Length { get; init; }

    /// <inheritdoc cref="Length"/>
    public required long ChangedTicks { get; init; }

    /// <summary>Bytes whose reading, embedding or KV is still to do.</summary>
    public required long BytesToDo { get; init; }

    /// <summary>The file as it is in the store; null where it is not, or was cut into chunks of another size.</summary>
    public required StoredFile? Known { get; init; }

    /// <summary>Whether an older version of it is in the store.</summary>
    public required bool HasOlder { get; init; }

    /// <summary>Documents that were stored for it before, finished or not, by their ids.</summary>
    public required ILookup<string?, StoredDocument> Stored { get; init; }

    /// <summary>Whether length and time say that it need not be read.</summary>
    public bool IsUnchanged => Known is not null && Known.Length == Length && Known.ChangedTicks == ChangedTicks;

    /// <summary>With <paramref name="force"/> it is to be read as if nothing of it were stored.</summary>
    public static SourceFile Of(string path, bool named, ICatalog catalog, int chunkTokens, bool force = false)
    {
        var info = new FileInfo(path);
        long length = info.Exists ? info.Length : 0;
        StoredFile? known = catalog.File(path);
        IReadOnlyList<StoredDocument> documents = force ? [] : catalog.Documents(path);
        return new SourceFile
        {
            Path = path,
            Named = named,
            Length = length,
            BytesToDo = length,
            ChangedTicks = info.Exists ? info.LastWriteTimeUtc.Ticks : 0,
            Known = known is not null && known.Documents == documents.Count
                && documents.All(document => document.ChunkTokens == chunkTokens) ? known : null,
            HasOlder = known is not null,
            Stored = (force ? [] : documents.Concat(catalog.Documents(path, unfinished: true))).ToLookup(document => document.Id),
        };
    }
}
