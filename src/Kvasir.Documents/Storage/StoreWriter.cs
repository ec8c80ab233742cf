namespace Kvasir.Documents.Storage;

/// <summary>The one writer of a store: holds its lock, the catalog opened for writing, and clears what an interrupted one left.</summary>
internal sealed class StoreWriter : IDisposable
{
    private const int MappedOnWindows = unchecked((int)0x800704C8);

    private readonly DocumentStore _store;
    private readonly WriterLock _lock;
    private bool _removed;

    public StoreWriter(DocumentStore store)
    {
        _store = store;
        _lock = WriterLock.Take(store.Folder);
        try
        {
            File.Delete(store.CatalogPath + StoreFiles.TemporarySuffix);
            foreach ((string folder, _) in KvShelf.All(store.Folder))
            {
                KvShelf.Clean(folder, live: null);
            }

            Catalog = Catalog.Open(store.CatalogPath, store.FileAccess, write: true);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    public Catalog Catalog { get; private set; }

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

    /// <summary>Frees what the changes have put out of use; nothing where there were none.</summary>
    public void Finish()
    {
        if (_removed)
        {
            CollectGarbage();
        }
    }

    public long CollectGarbage()
    {
        if (Catalog.IsWasteful() && TryCompact())
        {
            Catalog.Dispose();
            Catalog = Catalog.Open(_store.CatalogPath, _store.FileAccess, write: true);
        }

        HashSet<string> live = [.. Catalog.AllDocuments.SelectMany(document => document.Chunks).Select(chunk => chunk.KvName)];
        _removed = false;
        return KvShelf.All(_store.Folder).Sum(shelf => KvShelf.Clean(shelf.Folder, live));
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
