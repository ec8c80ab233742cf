namespace Kvasir.Documents.Storage;

/// <summary>The one writer of a store: holds its lock, the catalog opened for writing, and clears what an interrupted one left.</summary>
internal sealed class StoreWriter : IDisposable
{
    private const int MappedOnWindows = unchecked((int)0x800704C8);

    private readonly DocumentStore _store;
    private readonly WriterLock _lock;
    private KvQuota? _quota;
    private bool _removed;

    public StoreWriter(DocumentStore store)
    {
        _store = store;
        _lock = WriterLock.Take(store.Folder);
        try
        {
            File.Delete(store.CatalogPath + StoreFiles.TemporarySuffix);
            File.Delete(Path.Combine(store.Folder, StoreSettings.FileName + StoreFiles.TemporarySuffix));
            KvShelf.CleanAll(store.Folder, live: null);
            Catalog = Catalog.Open(store.CatalogPath, store.FileAccess, write: true);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    public Catalog Catalog { get; private set; }

    /// <summary>The store's quota as it was when first asked for, and what is used of it.</summary>
    public KvQuota Quota => _quota ??= KvQuota.Of(_store.Folder);

    public void Remove(StoredFile file)
    {
        Catalog.Remove(file);
        _removed = true;
    }

    /// <summary>Makes documents part of the store in place of those that the file had.</summary>
    public void Commit(StoredFile file)
    {
        _removed |= Catalog.File(file.Path) is not null;
        Catalog.Commit(file);
    }

    /// <summary>Frees what the changes have put out of use, and damaged records; nothing where there are none.</summary>
    public void Finish()
    {
        if (_removed || Catalog.Damaged > 0) CollectGarbage();
    }

    public long CollectGarbage()
    {
        bool lost = Catalog.Damaged > 0 || Catalog.LostFiles.Count > 0;
        if ((Catalog.IsWasteful() || Catalog.Damaged > 0) && TryCompact())
        {
            Catalog.Dispose();
            Catalog = Catalog.Open(_store.CatalogPath, _store.FileAccess, write: true);
        }

        // Documents that are lost come back with the next ingest of their files: their KV waits for them.
        HashSet<string>? live = lost ? null : [.. Catalog.AllDocuments.SelectMany(document => document.Chunks).Select(chunk => chunk.KvName)];
        _removed = false;
        long freed = KvShelf.CleanAll(_store.Folder, live);
        _quota = null;
        return freed + Quota.Enforce();
    }

    /// <summary>Sets the quota and frees what is beyond it. Returns the bytes freed.</summary>
    public long SetQuota(long? bytes)
    {
        (StoreSettings.Read(_store.Folder) with { KvQuota = bytes }).Write(_store.Folder, _store.FileAccess);
        _quota = null;
        return Quota.Enforce();
    }

    public void Dispose()
    {
        Catalog.Dispose();
        _lock.Dispose();
    }

    /// <summary>Windows lets no file take the place of one that a reader has mapped: the catalog then stays as it is until a writer comes while nobody reads.</summary>
    private bool TryCompact()
    {
        try
        {
            Catalog.Compact();
            return true;
        }
        catch (Exception error) when (OperatingSystem.IsWindows() && error is UnauthorizedAccessException or IOException { HResult: MappedOnWindows })
        {
            return false;
        }
    }
}
