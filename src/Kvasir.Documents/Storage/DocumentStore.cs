using Kvasir.Documents.Catalog;
using Kvasir.Memory;

namespace Kvasir.Documents.Storage;

/// <summary>
/// A folder that keeps documents: a database (<c>store.db</c>) with texts, words and embeddings, and KV files. Any number of processes may
/// read while one writes. Opened by itself it tells what is stored without loading a model; <see cref="DocumentLibrary"/> fills it and
/// answers from it.
/// </summary>
public sealed class DocumentStore : IDisposable
{
    private const string DatabaseName = "store.db", OldCatalogName = "catalog.log";

    private DocumentStore(string folder, StoreFiles files)
    {
        Folder = folder;
        FileAccess = files;
        Catalog = SqliteCatalog.Open(Path.Combine(folder, DatabaseName), files);
        IReadOnlyList<string> lost = Catalog.Lost();
        if (lost.Count > 0)
            files.Warn(StoreWarning.Lost($"{Path.Combine(folder, DatabaseName)} is damaged: documents are lost of {Several(lost)}", lost));
        if (Catalog.LacksRows())
            files.Warn($"{Path.Combine(folder, DatabaseName)} is damaged: documents may be lost, or not be found", StoreMend.Repair);
        _ = Catalog.KvQuota;
    }

    /// <summary>Whether a folder holds a store.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, DatabaseName));

    /// <summary>Opens the store in a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="create">Make an empty store where the folder is missing or empty.</param>
    /// <param name="warned">Told what is found wrong with the store, at once and each thing once; <see cref="Warnings"/> has it
    /// too.</param>
    /// <exception cref="InvalidInputException">There is no store in the folder, or its catalog is not readable.</exception>
    /// <exception cref="StoreWriteException">A new store could not be written.</exception>
    public static DocumentStore Open(string folder, bool create = false, Action<StoreWarning>? warned = null) =>
        Open(folder, create, new StoreFiles { Warned = warned });

    internal static DocumentStore Open(string folder, bool create, StoreFiles files)
    {
        string full = folder.Length > 0
            ? Path.GetFullPath(folder) : throw new InvalidInputException("the document store's folder is empty; name one");
        try
        {
            if (!Exists(full)) Create(full, create);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new InvalidInputException($"{full}: no permission to make a document store here", error);
        }
        catch (IOException error)
        {
            throw StoreWriteException.From(full, error);
        }

        try
        {
            return new DocumentStore(full, files);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{full}: the document store cannot be read ({error.Message})", error);
        }
    }

    /// <summary>The store's folder.</summary>
    public string Folder { get; }

    /// <summary>What has been found wrong since the store was opened, each thing once.</summary>
    public IReadOnlyList<StoreWarning> Warnings => FileAccess.Warnings;

    /// <summary>The files whose documents are stored, by path.</summary>
    public IReadOnlyList<StoredFileInfo> List() => Catalog.Reading(() => Catalog.Files().Select(Describe).ToList());

    /// <summary>Full paths of the files of which the store holds documents, or has lost some to damage, as far as they are there.</summary>
    public IReadOnlyList<string> Paths() => [.. Catalog.Files().Select(file => file.Path).Union(Catalog.Lost()).Where(File.Exists)];

    /// <summary>What the store holds, in numbers.</summary>
    public StoreStatistics Statistics() => Catalog.Reading(() =>
    {
        (int documents, int chunks, long tokens, long textBytes) = Catalog.Count();
        (long catalogBytes, long vectorBytes) = Catalog.Bytes;
        IReadOnlyList<KvDescription> shelves = Catalog.Shelves();
        return new StoreStatistics
        {
            Files = Catalog.Files().Count,
            Documents = documents,
            Chunks = chunks,
            Tokens = tokens,
            TextBytes = textBytes,
            CatalogBytes = catalogBytes,
            VectorBytes = vectorBytes,
            DamagedRecords = Catalog.Lost().Count + (Catalog.LacksRows() ? 1 : 0),
            KvQuota = KvQuota,
            Kv = [.. KvShelf.Folders(Folder)
                .Select(folder => Describe(folder, shelves.FirstOrDefault(shelf => shelf.Key.FolderName() == Path.GetFileName(folder))))],
        };
    });

    /// <summary>
    /// The most bytes that the KV of chunks may take, over all models and policies; null for no limit. What was used least recently makes
    /// room for what is new and is computed again when a question needs it; texts and embeddings stay.
    /// </summary>
    public long? KvQuota => Catalog.KvQuota is > 0 and var bytes ? bytes : null;

    /// <summary>Sets <see cref="KvQuota"/> and frees what is beyond it.</summary>
    /// <param name="bytes">The most bytes, or null for no limit.</param>
    /// <returns>Bytes of KV freed.</returns>
    /// <exception cref="StoreWriteException">Another process writes to the store, or writing failed.</exception>
    public long SetKvQuota(long? bytes)
    {
        if (bytes is long limit) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit, nameof(bytes));
        return Writing(writer => writer.SetQuota(bytes));
    }

    /// <summary>Takes the documents of a file, or of all files under a folder, out of the store, and their KV with them.</summary>
    /// <returns>The number of files removed.</returns>
    /// <exception cref="StoreWriteException">Another process writes to the store, or writing failed.</exception>
    public int Remove(string path)
    {
        var scope = new PathScope([path]);
        return Writing(writer =>
        {
            List<StoredFile> gone = [.. Catalog.Files().Where(file => scope.Contains(file.Path))];
            gone.ForEach(writer.Remove);
            writer.Finish();
            return gone.Count;
        });
    }

    /// <summary>Frees what no stored document uses any more: KV files, and the catalog's waste; and KV beyond the quota.</summary>
    /// <returns>Bytes of KV freed.</returns>
    /// <exception cref="StoreWriteException">Another process writes to the store, or writing failed.</exception>
    public long CollectGarbage() => Writing(writer => writer.CollectGarbage(unfinished: true));

    /// <summary>
    /// Makes the database of a damaged store anew from what is sound of it. KV stays; what is lost comes back when its documents are
    /// ingested again.
    /// </summary>
    /// <exception cref="InvalidInputException">There is no store in the folder.</exception>
    /// <exception cref="StoreWriteException">Another process has the store open, or writing failed; the store is as it was.</exception>
    public static StoreRepair Repair(string folder)
    {
        string path = Path.Combine(Path.GetFullPath(folder), DatabaseName), fresh = path + StoreFiles.TemporarySuffix;
        if (!File.Exists(path)) throw new InvalidInputException($"{folder}: no document store here");
        return Guarded(Path.GetFullPath(folder), () =>
        {
            using WriterLock writing = WriterLock.Take(Path.GetFullPath(folder));
            StoreFiles.RemoveUnfinished(Path.GetFullPath(folder));
            StoreRepair report;
            using (SqliteCatalog target = SqliteCatalog.Open(fresh, new StoreFiles())) report = StoreRepair.Salvage(path, target);
            File.Move(fresh, path, overwrite: true);
            File.Delete(path + "-wal");
            File.Delete(path + "-shm");
            FolderFlush.Flush(Path.GetDirectoryName(path)!);
            return report;
        });
    }

    /// <summary>
    /// Writes a copy of the database as it is now, while others may read and write: everything but KV, which can be computed again.
    /// </summary>
    /// <param name="output">The file to write or replace; as <c>store.db</c> in a folder of its own it is a store.</param>
    /// <exception cref="InvalidInputException">There is no such folder.</exception>
    /// <exception cref="StoreWriteException">The file could not be written.</exception>
    public void Backup(string output)
    {
        string full = Path.GetFullPath(output), temporary = $"{full}.{Guid.NewGuid():N}{StoreFiles.TemporarySuffix}";
        if (!Directory.Exists(Path.GetDirectoryName(full)))
            throw new InvalidInputException($"{output}: there is no such folder to write a backup to");
        try
        {
            Catalog.Backup(temporary);
            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidInputException)
        {
            File.Delete(temporary);
            throw new StoreWriteException($"{output}: the backup could not be written ({error.Message})", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Catalog.Dispose();

    internal StoreFiles FileAccess { get; }

    internal ICatalog Catalog { get; }

    /// <summary>Whether anything of the catalog is known to be lost.</summary>
    internal bool IsDamaged => Catalog.Lost().Count > 0 || Catalog.LacksRows();

    /// <summary>Becomes the store's one writer until it is disposed.</summary>
    internal StoreWriter Write() => new(this);

    /// <summary>Does something as the one writer, and says in one line what hinders it.</summary>
    internal T Writing<T>(Func<StoreWriter, T> work) => Guarded(() =>
    {
        using StoreWriter writer = Write();
        return work(writer);
    });

    /// <summary>Says of what goes wrong while writing that it was this store's.</summary>
    internal T Guarded<T>(Func<T> work) => Guarded(Folder, work);

    private static T Guarded<T>(string folder, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (IOException error)
        {
            throw ReadOnlyStoreException.IsMeantBy(error)
                ? new ReadOnlyStoreException($"{folder}: the store may only be read (a read-only file system)", error)
                : StoreWriteException.From(folder, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new ReadOnlyStoreException($"{folder}: the store may only be read (no permission to write)", error);
        }
    }

    internal static string Several(IReadOnlyList<string> files) =>
        string.Join(", ", files.Take(3)) + (files.Count > 3 ? $" and {files.Count - 3} more files" : "");

    private static void Create(string folder, bool create)
    {
        if (File.Exists(Path.Combine(folder, OldCatalogName)))
            throw new InvalidInputException(
                $"{folder}: a store of an earlier version of this program; delete its {OldCatalogName}, then ingest its documents anew "
                + "(their KV is kept)");
        if (!create) throw new InvalidInputException($"{folder}: no document store here; ingest documents to make one");
        if (File.Exists(folder)) throw new InvalidInputException($"{folder}: a file, not a folder for a document store");

        // Only what an interrupted beginning, a deleted database or an earlier version has left: never settle among somebody's files.
        string[] left = [WriterLock.FileName, WriterLock.HolderName, DatabaseName, DatabaseName + "-wal", DatabaseName + "-shm",
            "catalog.log.end", "store.json", "writer.next", "kv", "vectors"];
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any(entry => !left.Contains(Path.GetFileName(entry))))
            throw new InvalidInputException($"{folder}: the folder holds other things; name an empty or new folder for the document store");

        Directory.CreateDirectory(folder);
    }

    private StoredFileInfo Describe(StoredFile file) =>
        Catalog.Count(file.Path) is var count
            ? new StoredFileInfo(file.Path, count.Documents, count.Chunks, count.Tokens, file.State()) : null!;

    private static StoredKvInfo Describe(string folder, KvDescription? shelf)
    {
        long bytes = KvShelf.Bytes(folder, out int chunks);
        return new StoredKvInfo(shelf?.Key.Model ?? "unknown", shelf?.Key.ModelIdentity ?? "", shelf?.Key.Policy
            ?? "", chunks, bytes, shelf?.TokensPerSecond);
    }
}
