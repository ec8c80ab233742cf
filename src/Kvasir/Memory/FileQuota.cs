namespace Kvasir.Memory;

/// <summary>
/// Keeps the files that many share within so many bytes, by removing those that were used least recently. The time of last use is a file's
/// last-write time, which whoever uses it sets; other processes may do so, and remove files, at any moment.
/// </summary>
internal sealed class FileQuota
{
    private readonly PriorityQueue<string, DateTime> _leastRecent = new();
    private readonly Dictionary<string, long> _evictable = new(StringComparer.Ordinal);
    private readonly string _beside;
    private long _evictableBytes;

    /// <param name="limit">The most bytes; null for no limit, and nothing is counted then.</param>
    /// <param name="files">Those that are there.</param>
    /// <param name="beside">A suffix to a file's name: what has it is removed with the file.</param>
    public FileQuota(long? limit, IEnumerable<FileInfo> files, string beside = "")
    {
        (Limit, _beside) = (limit, beside);
        if (limit is null) return;
        foreach (FileInfo file in files)
        {
            // Another process may just have removed it.
            if (!file.Exists) continue;
            _leastRecent.Enqueue(file.FullName, file.LastWriteTimeUtc);
            _evictable[file.FullName] = file.Length;
            _evictableBytes += file.Length;
        }

        Used = _evictableBytes;
    }

    /// <summary>The most bytes; null for no limit.</summary>
    public long? Limit { get; }

    /// <summary>Bytes of all files, those promised included.</summary>
    public long Used { get; private set; }

    /// <summary>
    /// Promises <paramref name="bytes"/> to a file that is about to be written and then stays. Where
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

    /// <summary>Keeps a file from being removed.</summary>
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

            // It may have been used since the files were listed.
            if (File.GetLastWriteTimeUtc(path) is var now && now > lastUse) _leastRecent.Enqueue(path, now);
            else if (TryDelete(path) && _evictable.Remove(path, out long bytes))
            {
                _evictableBytes -= bytes;
                Used -= bytes;
            }
        }

        return before - Used;
    }

    private bool TryDelete(string path)
    {
        try
        {
            File.Delete(path);
            if (_beside.Length > 0) File.Delete(path + _beside);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Some systems keep a file that a reader has mapped: the next one goes in its place.
            return false;
        }
    }
}

/// <summary>A quota has no room for another file. Caught where the file was to be written.</summary>
internal sealed class QuotaReachedException() : Exception("the quota has no room");
