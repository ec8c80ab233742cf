using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>The KV of the prompt prefix, which every chunk is computed behind and every prompt begins with.</summary>
internal sealed class SharedPrefix : IDisposable
{
    private IAnswerCache _cache;

    private SharedPrefix(int[] ids, IAnswerCache cache, long loadedBytes)
    {
        Ids = ids;
        _cache = cache;
        LoadedBytes = loadedBytes;
    }

    public int[] Ids { get; }

    /// <summary>Bytes of KV that were loaded for it; 0 where it was computed.</summary>
    public long LoadedBytes { get; private set; }

    /// <summary>Places the stored prefix, or one converted from another shelf, or computes it where there is none that can be used.</summary>
    public static SharedPrefix Open(IAnswerModel model, int[] ids, KvShelf shelf, IEnumerable<KvShelf> richer)
    {
        IAnswerCache cache = model.NewCache();
        try
        {
            var prefix = new SharedPrefix(ids, cache, 0);
            if (!prefix.TryPlace(model, shelf, path => cache.Place(path)) && !richer.Any(other => prefix.TryPlace(model, other, cache.PlaceConverted)))
                prefix.Compute(cache);

            return prefix;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    /// <summary>A sequence that begins with the prefix.</summary>
    public IAnswerCache Fork() => _cache.Fork();

    /// <summary>Computes it anew where what was loaded has turned out damaged.</summary>
    public void Recompute(IAnswerModel model)
    {
        IAnswerCache cache = model.NewCache();
        Compute(cache);
        _cache.Dispose();
        _cache = cache;
        LoadedBytes = 0;
    }

    /// <summary>Stores it where it is not; for the writer.</summary>
    public void Store(KvShelf shelf)
    {
        string path = shelf.PathOf(KvShelf.PrefixName);
        if (Ids.Length > 0 && !File.Exists(path)) _cache.Save(path, Ids, 0);
    }

    public void Dispose() => _cache.Dispose();

    private void Compute(IAnswerCache cache)
    {
        if (Ids.Length > 0)
        {
            cache.Prefill(Ids, CancellationToken.None);
            cache.Seal();
        }
    }

    /// <summary>Checks the whole file first: it is small, and everything is computed behind it.</summary>
    private bool TryPlace(IAnswerModel model, KvShelf from, Func<string, long> place)
    {
        string path = from.PathOf(KvShelf.PrefixName);
        if (Ids.Length == 0 || !File.Exists(path)) return false;

        try
        {
            if (model.Check(path) is not null)
            {
                from.SetAside(KvShelf.PrefixName, warned: true);
                return false;
            }

            LoadedBytes = place(path);
            if (_cache.Length == Ids.Length) return true;
        }
        catch (Exception error) when (error is InvalidDataException or KvasirException)
        {
            // Gone since, or sound and yet not what is wanted: it is computed.
        }

        _cache.Clear();
        LoadedBytes = 0;
        return false;
    }
}
