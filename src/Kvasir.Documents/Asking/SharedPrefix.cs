using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>The KV of the prompt prefix, which every chunk is computed behind and every prompt begins with.</summary>
internal sealed class SharedPrefix : IDisposable
{
    private readonly IAnswerCache _cache;

    private SharedPrefix(int[] ids, IAnswerCache cache, long loadedBytes, bool isStored)
    {
        Ids = ids;
        _cache = cache;
        LoadedBytes = loadedBytes;
        IsStored = isStored;
    }

    public int[] Ids { get; }

    /// <summary>Bytes of KV that were loaded for it; 0 where it was computed.</summary>
    public long LoadedBytes { get; }

    /// <summary>Whether it stands in the shelf under the policy in use; else it was computed, or converted from another shelf.</summary>
    public bool IsStored { get; }

    /// <summary>Places the stored prefix, or one converted from another shelf, or computes it where there is none that can be used.</summary>
    public static SharedPrefix Open(IAnswerModel model, int[] ids, KvShelf shelf, IEnumerable<KvShelf> richer)
    {
        IAnswerCache cache = model.NewCache();
        try
        {
            bool stored = TryPlace(cache, ids, shelf.PathOf(KvShelf.PrefixName), path => cache.Place(path), out long bytes);
            if (!stored && !richer.Any(other => TryPlace(cache, ids, other.PathOf(KvShelf.PrefixName), cache.PlaceConverted, out bytes)) && ids.Length > 0)
            {
                cache.Prefill(ids, CancellationToken.None);
                cache.Seal();
            }

            return new SharedPrefix(ids, cache, bytes, stored);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    /// <summary>A sequence that begins with the prefix.</summary>
    public IAnswerCache Fork() => _cache.Fork();

    /// <summary>Stores it where it is not; for the writer.</summary>
    public void Store(KvShelf shelf)
    {
        if (!IsStored && Ids.Length > 0)
        {
            _cache.Save(shelf.PathOf(KvShelf.PrefixName), Ids, 0);
        }
    }

    public void Dispose() => _cache.Dispose();

    private static bool TryPlace(IAnswerCache cache, int[] ids, string path, Func<string, long> place, out long bytes)
    {
        bytes = 0;
        try
        {
            if (ids.Length == 0 || !File.Exists(path))
            {
                return false;
            }

            bytes = place(path);
            if (cache.Length == ids.Length)
            {
                return true;
            }

            cache.Clear();
            bytes = 0;
            return false;
        }
        catch (Exception error) when (error is InvalidDataException or InvalidInputException)
        {
            return false;
        }
    }
}
