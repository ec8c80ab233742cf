using Kvasir.Documents.Catalog;

namespace Kvasir.Documents.Storage;

/// <summary>
/// The KV files of one key: a folder in the store with the prefix, and one file per chunk named by the SHA-256 of its prompt text.
/// A file under its true name is complete, so the folder itself is the record of what has been computed.
/// </summary>
internal sealed class KvShelf
{
    /// <summary>The name of the shared prefix's KV.</summary>
    public const string PrefixName = "prefix";

    /// <summary>What follows the name of a file that was set aside.</summary>
    public const string DamagedSuffix = ".damaged";

    private const string Extension = ".kv";

    /// <summary>The time of last use is set at most so often: reading must stay cheap.</summary>
    private static readonly TimeSpan TouchInterval = TimeSpan.FromMinutes(1);

    private readonly DocumentStore _store;

    public KvShelf(DocumentStore store, KvKey key)
    {
        _store = store;
        Folder = Path.Combine(store.Folder, "kv", key.FolderName());
        Description = store.Catalog.Shelves().FirstOrDefault(known => known.Key.FolderName() == key.FolderName()) ?? new KvDescription(key);
    }

    public string Folder { get; }

    /// <summary>How its keys and values are kept.</summary>
    public string Policy => Description.Key.Policy;

    public KvDescription Description { get; private set; }

    /// <summary>Where the KV of a chunk, or <see cref="PrefixName"/>'s, is or would be.</summary>
    public string PathOf(string kvName) => Path.Combine(Folder, kvName + Extension);

    /// <summary>
    /// Takes a file that turned out damaged out of use, so that the next ingest computes it again; the next writer removes it. Where a
    /// question found it, the user is to be <paramref name="warned"/>.
    /// </summary>
    public void SetAside(string kvName, bool warned = false)
    {
        if (warned)
            _store.FileAccess.Warn(
                $"{PathOf(kvName)} is damaged and was computed anew; nothing is lost, but more may be damaged", StoreMend.Verify);

        try
        {
            File.Move(PathOf(kvName), PathOf(kvName) + DamagedSuffix, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Another process was faster, or the store may only be read: it is computed in place each time then.
        }
    }

    /// <summary>
    /// Notes that a question uses a file: KV that was used least recently goes first where the store has a quota. Best effort, without the
    /// writer's lock.
    /// </summary>
    public void Touch(string kvName)
    {
        try
        {
            string path = PathOf(kvName);
            DateTime now = DateTime.UtcNow;
            if ((now - File.GetLastWriteTimeUtc(path)).Duration() > TouchInterval) File.SetLastWriteTimeUtc(path, now);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The store may only be read, or the file has gone: only the order in which files are freed depends on it.
        }
    }

    /// <summary>The names of the chunks that are there.</summary>
    public HashSet<string> Names() => Names(Folder);

    /// <summary>Bytes and number of the chunk files in a folder.</summary>
    public static long Bytes(string folder, out int chunks)
    {
        List<FileInfo> files = [.. ChunkFiles(folder)];
        chunks = files.Count;
        return files.Sum(file => file.Length);
    }

    /// <summary>The chunk files in a folder as they are now, while another process may add and remove some.</summary>
    public static IEnumerable<FileInfo> ChunkFiles(string folder) =>
        Names(folder).Select(name => new FileInfo(Path.Combine(folder, name + Extension))).Where(file => file.Exists);

    /// <summary>Makes the folder and its description where they are missing; for the writer.</summary>
    public void Prepare()
    {
        Directory.CreateDirectory(Folder);
        if (!_store.Catalog.Shelves().Any(known => known.Key.FolderName() == Description.Key.FolderName()))
            _store.Catalog.Describe(Description);
    }

    /// <summary>Notes how fast chunks were computed: what recomputing them would cost is told from it.</summary>
    public void NoteSpeed(long tokens, TimeSpan time)
    {
        if (tokens == 0) return;
        Description = Description with
        {
            MeasuredTokens = Description.MeasuredTokens + tokens,
            MeasuredSeconds = Description.MeasuredSeconds
            + time.TotalSeconds
        };
        try
        {
            _store.Catalog.Describe(Description);
        }
        catch (IOException)
        {
            // Only an estimate depends on it; what stopped the ingest, a full disk perhaps, is what the user must hear of.
        }
    }

    /// <summary>The shelves of the same model, tokenizer and prefix under other policies.</summary>
    public static IEnumerable<KvShelf> Siblings(DocumentStore store, KvKey key) =>
        from shelf in store.Catalog.Shelves()
        let sibling = key with { Policy = shelf.Key.Policy }
        where sibling.Policy != key.Policy && sibling.FolderName() == shelf.Key.FolderName()
        select new KvShelf(store, sibling);

    /// <summary>Takes the whole shelf out of the store; for the writer. Interrupted, it leaves a shelf that holds less.</summary>
    public void Remove()
    {
        foreach (string name in Names()) File.Delete(PathOf(name));
        Directory.Delete(Folder, recursive: true);
        _store.Catalog.Forget(Description);
    }

    /// <summary>The folders of all shelves, known to the catalog or not.</summary>
    public static IEnumerable<string> Folders(string store) =>
        Path.Combine(store, "kv") is var root && Directory.Exists(root)
            ? Directory.EnumerateDirectories(root).Order(StringComparer.Ordinal) : [];

    /// <summary>The names of the chunks whose KV is in a folder.</summary>
    public static HashSet<string> Names(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*" + Extension).Select(Path.GetFileNameWithoutExtension).OfType<string>()
                .Where(IsChunkName)];
        }
        catch (DirectoryNotFoundException)
        {
            // Never made, or removed by the writer a moment ago.
            return [];
        }
    }

    /// <summary>
    /// Removes files that an interrupted writer left, and the KV of chunks that are not <paramref name="live"/>. Returns the bytes freed.
    /// </summary>
    public static long CleanAll(string store, Func<string, bool>? live)
    {
        long freed = 0;
        foreach (FileInfo file in Folders(store).SelectMany(folder => new DirectoryInfo(folder).EnumerateFiles()))
        {
            string name = Path.GetFileNameWithoutExtension(file.Name);
            bool known = file.Extension == Extension && (name == PrefixName || (IsChunkName(name) && live?.Invoke(name) != false));
            if (!known) freed += Delete(file);
        }

        return freed;
    }

    private static long Delete(FileInfo file)
    {
        try
        {
            long bytes = file.Length;
            file.Delete();
            return bytes;
        }
        catch (Exception error) when (error is FileNotFoundException or UnauthorizedAccessException)
        {
            // A question has just set it aside, or has it mapped on a system that keeps such files: the next writer removes it.
            return 0;
        }
    }

    private static bool IsChunkName(string name) => name.Length == 64 && name.All(char.IsAsciiHexDigitLower);
}
