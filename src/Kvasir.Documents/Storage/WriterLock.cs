using Kvasir.Documents.Catalog;

namespace Kvasir.Documents.Storage;

/// <summary>
/// Lets one process at a time write to a store: its KV files and its quota need one holder over many transactions. The operating system
/// frees it when the process ends, however it ends; a file beside it says who has it.
/// </summary>
internal sealed class WriterLock : IDisposable
{
    public const string FileName = "writer.lock", HolderName = "writer.holder";

    /// <summary>How long a writer waits for its turn.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    private readonly FileStream _file;

    private WriterLock(string store)
    {
        _file = new FileStream(Path.Combine(store, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        string holder = Path.Combine(store, HolderName), self = $"{Environment.ProcessId}";
        try
        {
            if (!File.Exists(holder) || File.ReadAllText(holder) != self) File.WriteAllText(holder, self);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The disk is full, perhaps, which is for the writer to find out: only a name would be missing.
        }
    }

    /// <exception cref="StoreWriteException">Another writer holds it.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    /// <exception cref="IOException">It is on a read-only file system.</exception>
    public static WriterLock Take(string store)
    {
        for (long start = Stopwatch.GetTimestamp(); ; Thread.Sleep(2))
        {
            try
            {
                return new WriterLock(store);
            }
            catch (IOException error) when (File.Exists(Path.Combine(store, FileName)) && !ReadOnlyStoreException.IsMeantBy(error))
            {
                if (Stopwatch.GetElapsedTime(start) > Patience)
                {
                    throw new StoreWriteException(
                        $"{store}: another process is writing to this store{Holder(store)}; try again when it has finished", error);
                }
            }
        }
    }

    /// <summary>For a question: null where a writer holds it, or the store may only be read.</summary>
    public static WriterLock? TryTake(string store)
    {
        try
        {
            return new WriterLock(store);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();

    private static string Holder(string store)
    {
        try
        {
            int id = int.TryParse(File.ReadAllText(Path.Combine(store, HolderName)), CultureInfo.InvariantCulture, out int known)
                ? known : 0;
            using Process process = Process.GetProcessById(id);
            return $" (process {process.Id}, {process.ProcessName})";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            return "";
        }
    }
}
