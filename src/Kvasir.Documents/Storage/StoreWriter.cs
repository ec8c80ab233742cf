using Kvasir.Documents.Catalog;
using Kvasir.Memory;

namespace Kvasir.Documents.Storage;

/// <summary>The one writer of a store: holds its lock, and clears what an interrupted one left.</summary>
internal sealed class StoreWriter : IDisposable
{
    private readonly DocumentStore _store;
    private readonly WriterLock _lock;
    private FileQuota? _quota;
    private bool _removed;

    public StoreWriter(DocumentStore store) : this(store, WriterLock.Take(store.Folder))
    {
    }

    private StoreWriter(DocumentStore store, WriterLock held)
    {
        _store = store;
        _lock = held;
        try
        {
            StoreFiles.RemoveUnfinished(store.Folder);
            KvShelf.CleanAll(store.Folder, live: null);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>For a question: null where another writer is at work, or the store may only be read.</summary>
    public static StoreWriter? TryTake(DocumentStore store) =>
        WriterLock.TryTake(store.Folder) is { } held ? new StoreWriter(store, held) : null;

    public ICatalog Catalog => _store.Catalog;

    /// <summary>
    /// The store's quota as it was when first asked for, and what chunks' KV uses of it, over all shelves. Prefixes are small, used by
    /// every question, and not counted.
    /// </summary>
    public FileQuota Quota => _quota ??= new FileQuota(
        _store.KvQuota, KvShelf.Folders(_store.Folder).SelectMany(KvShelf.ChunkFiles), KvShelf.DamagedSuffix);

    public void Remove(StoredFile file)
    {
        Catalog.Commit(file, []);
        _removed = true;
    }

    /// <summary>Makes documents part of the store in place of those that the file had.</summary>
    public void Commit(StoredFile file, IReadOnlyList<StoredDocument> documents)
    {
        _removed |= Catalog.File(file.Path) is not null;
        Catalog.Commit(file, documents);
    }

    /// <summary>Frees what the changes have put out of use; nothing where there are none.</summary>
    public void Finish()
    {
        if (_removed) CollectGarbage(unfinished: false);
    }

    /// <summary>
    /// Frees what no document uses, and with <paramref name="unfinished"/> what interrupted ingests have left. Returns bytes of KV freed.
    /// </summary>
    public long CollectGarbage(bool unfinished)
    {
        Catalog.Sweep(unfinished);
        _removed = false;

        // Documents that are lost come back with the next ingest of their files: their KV waits for them.
        long freed = KvShelf.CleanAll(_store.Folder, _store.IsDamaged ? null : Catalog.HasKv);
        _quota = null;
        return freed + Quota.Enforce();
    }

    /// <summary>Sets the quota and frees what is beyond it. Returns the bytes freed.</summary>
    public long SetQuota(long? bytes)
    {
        Catalog.KvQuota = bytes;
        _quota = null;
        return Quota.Enforce();
    }

    public void Dispose() => _lock.Dispose();
}
