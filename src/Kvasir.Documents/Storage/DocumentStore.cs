using Kvasir.Cache;
using Kvasir.Documents.Asking;
using Kvasir.Models;

namespace Kvasir.Documents.Storage;

/// <summary>
/// A folder that keeps documents: a catalog with texts and terms, embeddings, and KV files. Any number of processes may read while one writes.
/// Opened by itself it tells what is stored without loading a model; <see cref="DocumentLibrary"/> fills it and answers from it.
/// </summary>
public sealed partial class DocumentStore : IDisposable
{
    private const string CatalogName = "catalog.log";

    private readonly StoreFiles _files;
    private Catalog _catalog;
    private (long Length, DateTime Changed) _seen;

    private DocumentStore(string folder, StoreFiles files)
    {
        Folder = folder;
        _files = files;
        _catalog = OpenCatalog(out _seen);
        _ = StoreSettings.Read(folder, out bool damaged);
        if (damaged)
            files.Warn($"{Path.Combine(folder, StoreSettings.FileName)} is damaged: a quota that was set is lost", "store", "quota", "SIZE");
    }

    /// <summary>Opens the store in a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="create">Make an empty store where the folder is missing or empty.</param>
    /// <param name="warned">Told what is found wrong with the store, at once and each thing once; <see cref="Warnings"/> has it too.</param>
    /// <exception cref="InvalidInputException">There is no store in the folder, or its catalog is not readable.</exception>
    /// <exception cref="StoreWriteException">A new store could not be written.</exception>
    public static DocumentStore Open(string folder, bool create = false, Action<StoreWarning>? warned = null) => Open(folder, create, new StoreFiles { Warned = warned });

    internal static DocumentStore Open(string folder, bool create, StoreFiles files)
    {
        string full = folder.Length > 0 ? Path.GetFullPath(folder) : throw new InvalidInputException("the document store's folder is empty; name one");
        try
        {
            if (!File.Exists(Path.Combine(full, CatalogName))) Create(full, create, files);
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
    public IReadOnlyList<StoreWarning> Warnings => _files.Warnings;

    /// <summary>The files whose documents are stored, by path.</summary>
    public IReadOnlyList<StoredFileInfo> List()
    {
        Catalog catalog = Read();
        return [.. catalog.Files.Select(file => Describe(catalog, file))];
    }

    /// <summary>Full paths of the files of which the store holds documents, or has lost some to damage, as far as they are there.</summary>
    public IReadOnlyList<string> Paths() => Read() is var catalog ? [.. catalog.AllFiles.Select(file => file.Path).Union(catalog.LostFiles).Where(File.Exists)] : [];

    /// <summary>What the store holds, in numbers.</summary>
    public StoreStatistics Statistics()
    {
        Catalog catalog = Read();
        List<StoredDocument> documents = [.. catalog.Files.SelectMany(catalog.DocumentsOf)];
        List<StoredChunk> chunks = [.. documents.SelectMany(document => document.Chunks)];
        return new StoreStatistics
        {
            Files = catalog.Files.Count(),
            Documents = documents.Count,
            Chunks = chunks.Count,
            Tokens = chunks.Sum(chunk => (long)chunk.Tokens),
            TextBytes = chunks.Sum(chunk => (long)chunk.TextBytes),
            CatalogBytes = catalog.Bytes,
            VectorBytes = catalog.VectorBytes,
            DamagedRecords = catalog.Damaged,
            KvQuota = KvQuota,
            Kv = [.. KvShelf.All(Folder).Select(shelf => Describe(shelf.Folder, shelf.Description))],
        };
    }

    /// <summary>
    /// The most bytes that the KV of chunks may take, over all models and policies; null for no limit. What was used least recently makes room for
    /// what is new and is computed again when a question needs it; texts and embeddings stay.
    /// </summary>
    public long? KvQuota => StoreSettings.Read(Folder).KvQuota;

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
            List<StoredFile> gone = [.. writer.Catalog.AllFiles.Where(file => scope.Contains(file.Path))];
            gone.ForEach(writer.Remove);
            writer.Finish();
            return gone.Count;
        });
    }

    /// <summary>Frees what no stored document uses any more: KV files, and the catalog's waste; and KV beyond the quota.</summary>
    /// <returns>Bytes of KV freed.</returns>
    /// <exception cref="StoreWriteException">Another process writes to the store, or writing failed.</exception>
    public long CollectGarbage() => Writing(writer => writer.CollectGarbage());

    /// <summary>
    /// Brings the stored KV of a model to another policy, without computing it anew: every file is read, checked, encoded anew and renamed into
    /// place. What is there already is left as it is, so an interrupted conversion goes on where it stopped. Damaged files are set aside.
    /// </summary>
    /// <param name="model">The model whose KV it is.</param>
    /// <param name="target">The policy to convert to.</param>
    /// <param name="options">Which policy to convert from, and whether to keep what was converted.</param>
    /// <param name="progress">Told after every file.</param>
    /// <param name="cancellation">Stops between files; what is done stays.</param>
    /// <exception cref="InvalidInputException">There is no such KV, or it has lost what the target would keep.</exception>
    /// <exception cref="StoreWriteException">The disk is full, or another process writes to the store; what it held is intact.</exception>
    public KvConversionReport ConvertKv(Model model, KvPolicy target, KvConversionOptions? options = null, IProgress<KvConversionProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        return ConvertKv(new ModelAnswers(model, target), options ?? new KvConversionOptions(), progress, cancellation);
    }

    internal KvConversionReport ConvertKv(IAnswerModel model, KvConversionOptions options, IProgress<KvConversionProgress>? progress = null, CancellationToken cancellation = default) =>
        Writing(writer => new ShelfConversion(this, model, writer.Quota, options.From?.ToString(), progress, cancellation).Run(options.RemoveSource));

    /// <inheritdoc/>
    public void Dispose() => _catalog.Dispose();

    internal StoreFiles FileAccess => _files;

    internal string CatalogPath => Path.Combine(Folder, CatalogName);

    /// <summary>The catalog as it stands on disk now; valid until the next call.</summary>
    internal Catalog Read()
    {
        if (Stamp() != _seen)
        {
            Catalog fresh = OpenCatalog(out _seen);
            _catalog.Dispose();
            _catalog = fresh;
        }

        return _catalog;
    }

    /// <summary>Becomes the store's one writer until it is disposed.</summary>
    internal StoreWriter Write() => new(this);

    /// <summary>Does something as the one writer, and says in one line what hinders it.</summary>
    internal T Writing<T>(Func<StoreWriter, T> work) => Guarded(() =>
    {
        using StoreWriter writer = Write();
        return work(writer);
    });

    /// <summary>Says of what goes wrong while writing that it was this store's.</summary>
    private T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (IOException error)
        {
            throw ReadOnlyStoreException.IsMeantBy(error)
                ? new ReadOnlyStoreException($"{Folder}: the store may only be read (a read-only file system)", error)
                : StoreWriteException.From(Folder, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new ReadOnlyStoreException($"{Folder}: the store may only be read (no permission to write)", error);
        }
    }

    /// <summary>Opens the catalog; once more where a compaction took a vector file away between reading the log and opening the file.</summary>
    private Catalog OpenCatalog(out (long, DateTime) seen)
    {
        seen = Stamp();
        Catalog catalog = Catalog.Open(CatalogPath, _files, write: false);
        if (catalog.LacksVectorFile && Stamp() != seen)
        {
            catalog.Dispose();
            seen = Stamp();
            catalog = Catalog.Open(CatalogPath, _files, write: false);
        }

        Warn(catalog);
        return catalog;
    }

    private void Warn(Catalog catalog)
    {
        IReadOnlyList<string> lost = catalog.LostFiles;
        if (lost.Count > 0) _files.Warn($"{CatalogPath} is damaged: documents are lost of {Several(lost)}", MendOf(lost));
        else if (catalog.Damaged > 0)
            _files.Warn($"{CatalogPath} is damaged: documents may be lost, or be as they were before", "ingest", "DOCS...");
    }

    /// <summary>The words of the command that takes files in anew, those of them that there are.</summary>
    internal static string[] MendOf(IReadOnlyList<string> files) => files.Where(File.Exists).Take(2).ToArray() switch
    {
        [] => [],
        [string one] => ["ingest", one],
        _ => ["ingest", "--stored"],
    };

    internal static string Several(IReadOnlyList<string> files) => string.Join(", ", files.Take(3)) + (files.Count > 3 ? $" and {files.Count - 3} more files" : "");

    private (long, DateTime) Stamp()
    {
        var info = new FileInfo(CatalogPath);
        return (info.Length, info.LastWriteTimeUtc);
    }

    private static void Create(string folder, bool create, StoreFiles files)
    {
        if (!create) throw new InvalidInputException($"{folder}: no document store here; make one with 'ingest'");

        if (File.Exists(folder)) throw new InvalidInputException($"{folder}: a file, not a folder for a document store");

        Directory.CreateDirectory(folder);
        using WriterLock writing = WriterLock.Take(folder);
        string catalog = Path.Combine(folder, CatalogName);
        if (File.Exists(catalog)) return;

        // Only what an interrupted beginning or a deleted catalog has left: never settle among somebody's files.
        string[] left = [WriterLock.FileName, WriterLock.QueueName, CatalogName + StoreFiles.TemporarySuffix, CatalogName + RecordLog.EndSuffix, StoreSettings.FileName, "kv", "vectors"];
        if (Directory.EnumerateFileSystemEntries(folder).Any(entry => !left.Contains(Path.GetFileName(entry))))
            throw new InvalidInputException($"{folder}: the folder holds other things; name an empty or new folder for the document store");

        RecordLog.Create(catalog, files);
    }

    private static StoredFileInfo Describe(Catalog catalog, StoredFile file)
    {
        List<StoredDocument> documents = [.. catalog.DocumentsOf(file)];
        return new StoredFileInfo(file.Path, documents.Count, documents.Sum(document => document.Chunks.Length), documents.Sum(document => document.Chunks.Sum(chunk => (long)chunk.Tokens)), file.State());
    }

    private static StoredKvInfo Describe(string folder, KvDescription description)
    {
        long bytes = KvShelf.Bytes(folder, out int chunks);
        return new StoredKvInfo(description.Model, description.ModelIdentity, description.Policy, chunks, bytes, description.TokensPerSecond);
    }
}
