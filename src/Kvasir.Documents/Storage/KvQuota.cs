namespace Kvasir.Documents.Storage;

/// <summary>
/// Keeps the KV of chunks within the store's quota, over all shelves, by freeing what was used least recently; for the writer. The time of
/// last use is a file's last-write time, which a question sets when it places the file. Prefixes are small, used by every question, and not
/// counted.
/// </summary>
internal sealed class KvQuota
{
    private readonly PriorityQueue<string, DateTime> _leastRecent = new();
    private readonly Dictionary<string, long> _evictable = new(StringComparer.Ordinal);
    private long _evictableBytes;

    private KvQuota(long? limit, IEnumerable<FileInfo> files)
    {
        Limit = limit;
        foreach (FileInfo file in files)
        {
            _leastRecent.Enqueue(file.FullName, file.LastWriteTimeUtc);
            _evictable[file.FullName] = file.Length;
            _evictableBytes += file.Length;
        }

        Used = _evictableBytes;
    }

    /// <summary>The most bytes; null for no limit, and nothing is counted then.</summary>
    public long? Limit { get; }

    /// <summary>Bytes of all chunks' KV, those promised included.</summary>
    public long Used { get; private set; }

    /// <summary>What the store's settings say, and what is there now. The writer has removed what interrupted ones left.</summary>
    public static KvQuota Of(DocumentStore store)
    {
        long? limit = store.KvQuota;
        return new KvQuota(limit, limit is null ? [] : KvShelf.Folders(store.Folder).SelectMany(KvShelf.ChunkFiles));
    }

    /// <summary>
    /// Promises <paramref name="bytes"/> to a file that is about to be written and then stays as long as this writer is at work. Where
    /// there is no room, files that were there before are freed, unless <paramref name="evict"/> is false; nothing is freed where it would
    /// not be enough.
    /// </summary>
    /// <exception cref="QuotaReachedException">There is no room.</exception>
    public void Reserve(long bytes, bool evict)
    {
        if (!TryReserve(bytes, evict)) throw new QuotaReachedException();
    }

    /// <summary>As <see cref="Reserve"/>; false where there is no room.</summary>
    public bool TryReserve(long bytes, bool evict)
    {
        if (Limit is long limit)
        {
            if (HasRoom(bytes, evict)) EvictTo(limit - bytes);
            if (Used > limit - bytes) return false;
            Used += bytes;
        }

        return true;
    }

    /// <summary>Whether <see cref="Reserve"/> would find room.</summary>
    public bool HasRoom(long bytes, bool evict) => Limit is not long limit || (evict ? Used - _evictableBytes : Used) <= limit - bytes;

    /// <summary>Frees what is beyond the limit. Returns the bytes freed.</summary>
    public long Enforce() => Limit is long limit ? EvictTo(limit) : 0;

    /// <summary>Keeps a file from being freed as long as this writer is at work.</summary>
    public void Keep(string path)
    {
        if (_evictable.Remove(path, out long bytes)) _evictableBytes -= bytes;
    }

    private long EvictTo(long most)
    {
        long before = Used;
        while (Used > most && _leastRecent.TryDequeue(out string? path, out DateTime lastUse))
        {
            if (!_evictable.ContainsKey(path)) continue;

            // A question may have used it since the files were listed.
            if (File.GetLastWriteTimeUtc(path) is var now && now > lastUse) _leastRecent.Enqueue(path, now);
            else if (TryDelete(path) && _evictable.Remove(path, out long bytes))
            {
                _evictableBytes -= bytes;
                Used -= bytes;
            }
        }

        return before - Used;
    }

    private static bool TryDelete(string path)
    {
        try
        {
            File.Delete(path);
            File.Delete(path + KvShelf.DamagedSuffix);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Some systems keep a file that a reader has mapped: the next one goes in its place.
            return false;
        }
    }
}

/// <summary>The store's quota has no room for another file. Caught where the file was to be written.</summary>
internal sealed class QuotaReachedException() : Exception("the store's quota has no room");
