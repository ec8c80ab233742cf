namespace Kvasir.Documents.Storage;

/// <summary>Lets one process at a time write to a store. The operating system frees it when the process ends, however it ends.</summary>
internal sealed class WriterLock : IDisposable
{
    public const string FileName = "writer.lock", QueueName = "writer.next";

    /// <summary>A question holds the lock for the moment in which it stores one chunk's KV; nobody should hear of that.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.5);

    private readonly FileStream _file;

    private WriterLock(FileStream file) => _file = file;

    /// <exception cref="StoreWriteException">Another writer holds it.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    /// <exception cref="IOException">It is on a read-only file system.</exception>
    public static WriterLock Take(string store)
    {
        long start = Stopwatch.GetTimestamp();
        FileStream? next = null;
        try
        {
            while (true)
            {
                try
                {
                    return new WriterLock(Open(store, FileName));
                }
                catch (IOException error) when (File.Exists(Path.Combine(store, FileName)) && !ReadOnlyStoreException.IsMeantBy(error))
                {
                    if (Stopwatch.GetElapsedTime(start) > Patience)
                        throw new StoreWriteException($"{store}: another process is writing to this store; try again when it has finished", error);
                }

                // Who holds the queue goes before all questions.
                next ??= TryOpen(store, QueueName);
                Thread.Sleep(1);
            }
        }
        finally
        {
            next?.Dispose();
        }
    }

    /// <summary>For a question: null where a writer holds it or waits for it, or the store may only be read.</summary>
    public static WriterLock? TryTake(string store)
    {
        using (FileStream? next = TryOpen(store, QueueName))
        {
            if (next is null) return null;
        }

        return TryOpen(store, FileName) is { } file ? new WriterLock(file) : null;
    }

    public void Dispose() => _file.Dispose();

    private static FileStream? TryOpen(string store, string name)
    {
        try
        {
            return Open(store, name);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static FileStream Open(string store, string name) => new(Path.Combine(store, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
}
