using Kvasir.Cache;
using Kvasir.Documents.Answering;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>The KV of the prompt prefix, which every chunk is computed behind and every prompt begins with.</summary>
internal sealed class SharedPrefix : IDisposable
{
    private readonly IAnswerModel _model;
    private KvCache _cache;

    private SharedPrefix(IAnswerModel model, int[] ids, KvCache cache, long loadedBytes)
    {
        _model = model;
        Ids = ids;
        _cache = cache;
        LoadedBytes = loadedBytes;
    }

    public int[] Ids { get; }

    /// <summary>Bytes of KV that were loaded for it; 0 where it was computed.</summary>
    public long LoadedBytes { get; private set; }

    /// <summary>
    /// Places the stored prefix, or one converted from another shelf, or computes it where there is none that can be used.
    /// </summary>
    public static SharedPrefix Open(IAnswerModel model, int[] ids, KvShelf shelf, IEnumerable<KvShelf> richer)
    {
        KvCache cache = model.NewCache();
        try
        {
            var prefix = new SharedPrefix(model, ids, cache, 0);
            if (!prefix.TryPlace(shelf, path => model.Place(cache, path))
                && !richer.Any(other => prefix.TryPlace(other, path => model.PlaceConverted(cache, path))))
                prefix.Compute(cache);

            return prefix;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    /// <summary>A sequence that begins with the prefix: which shares it, or has a copy in a pool of its own.</summary>
    /// <exception cref="DamagedKvException">It is to be copied, and its file is damaged.</exception>
    public KvCache Fork(BlockPool? pool = null) => pool is null ? _cache.Fork() : _cache.Duplicate(pool);

    /// <summary>Computes it anew where what was loaded has turned out damaged.</summary>
    public void Recompute()
    {
        KvCache cache = _model.NewCache();
        Compute(cache);
        _cache.Dispose();
        _cache = cache;
        LoadedBytes = 0;
    }

    /// <summary>Stores it where it is not; for the writer.</summary>
    public void Store(KvShelf shelf)
    {
        string path = shelf.PathOf(KvShelf.PrefixName);
        if (Ids.Length > 0 && !File.Exists(path)) _model.Save(_cache, path, Ids, 0);
    }

    public void Dispose() => _cache.Dispose();

    private void Compute(KvCache cache)
    {
        if (Ids.Length > 0)
        {
            _model.Prefill(cache, Ids, CancellationToken.None);
            cache.Seal();
        }
    }

    /// <summary>Checks the whole file first: it is small, and everything is computed behind it.</summary>
    private bool TryPlace(KvShelf from, Func<string, long> place)
    {
        string path = from.PathOf(KvShelf.PrefixName);
        if (Ids.Length == 0 || !File.Exists(path)) return false;
        try
        {
            if (_model.Check(path) is not null)
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

        _cache.Truncate(0);
        LoadedBytes = 0;
        return false;
    }
}
