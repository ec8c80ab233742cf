using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>The KV of the prompt prefix, which every chunk is computed behind and every prompt begins with.</summary>
internal sealed class SharedPrefix : IDisposable
{
    private readonly IAnswerCache _cache;

    private SharedPrefix(int[] ids, IAnswerCache cache, long storedBytes)
    {
        Ids = ids;
        _cache = cache;
        StoredBytes = storedBytes;
    }

    public int[] Ids { get; }

    /// <summary>Bytes of KV that were loaded for it; 0 where it was computed.</summary>
    public long StoredBytes { get; }

    /// <summary>Places the stored prefix, or computes it where there is none that can be used.</summary>
    public static SharedPrefix Open(IAnswerModel model, int[] ids, KvShelf shelf)
    {
        IAnswerCache cache = model.NewCache();
        try
        {
            long bytes = ids.Length > 0 ? TryPlace(cache, shelf.PrefixPath) : 0;
            if (bytes > 0 && cache.Length != ids.Length)
            {
                cache.Dispose();
                cache = model.NewCache();
                bytes = 0;
            }

            if (bytes == 0 && ids.Length > 0)
            {
                cache.Prefill(ids, CancellationToken.None);
                cache.Seal();
            }

            return new SharedPrefix(ids, cache, bytes);
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
        if (StoredBytes == 0 && Ids.Length > 0)
        {
            _cache.Save(shelf.PrefixPath, Ids, 0);
        }
    }

    public void Dispose() => _cache.Dispose();

    private static long TryPlace(IAnswerCache cache, string path)
    {
        try
        {
            return File.Exists(path) ? cache.Place(path) : 0;
        }
        catch (Exception error) when (error is InvalidDataException or InvalidInputException)
        {
            return 0;
        }
    }
}
