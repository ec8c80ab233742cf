namespace Kvasir.Documents.Storage;

/// <summary>
/// Lets one process at a time write to a store: its KV files and its quota need one holder over many transactions. The operating system frees it when the process
/// ends, however it ends; a file beside it says who has it.
/// </summary>
internal sealed class WriterLock : IDisposable
{
    public const string FileName = "writer.lock", HolderName = "writer.holder";

    /// <summary>How long a writer waits for its turn.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    private readonly FileStream _file;

    private WriterLock(string store, FileStream file)
    {
        _file = file;
        string holder = Path.Combine(store, HolderName), self = $"{Environment.ProcessId}";
        if (!File.Exists(holder) || File.ReadAllText(holder) != self) File.WriteAllText(holder, self);
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
                return new WriterLock(store, Open(store));
            }
            catch (IOException error) when (File.Exists(Path.Combine(store, FileName)) && !ReadOnlyStoreException.IsMeantBy(error))
            {
                if (Stopwatch.GetElapsedTime(start) > Patience)
                    throw new StoreWriteException($"{store}: another process is writing to this store{Holder(store)}; try again when it has finished", error);
            }
        }
    }

    /// <summary>For a question: null where a writer holds it, or the store may only be read.</summary>
    public static WriterLock? TryTake(string store)
    {
        try
        {
            return new WriterLock(store, Open(store));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();

    private static FileStream Open(string store) => new(Path.Combine(store, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    private static string Holder(string store)
    {
        try
        {
            using Process process = Process.GetProcessById(int.Parse(File.ReadAllText(Path.Combine(store, HolderName)), CultureInfo.InvariantCulture));
            return $" (process {process.Id}, {process.ProcessName})";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or OverflowException or ArgumentException or InvalidOperationException)
        {
            return "";
        }
    }
}
