using System.Diagnostics;

namespace Kvasir.Documents.Storage;

/// <summary>Lets one process at a time write to a store. The operating system frees it when the process ends, however it ends.</summary>
internal sealed class WriterLock : IDisposable
{
    /// <summary>A question holds the lock for the moment in which it stores one chunk's KV; nobody should hear of that.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.5);

    private readonly FileStream _file;

    private WriterLock(FileStream file) => _file = file;

    /// <exception cref="StoreWriteException">Another writer holds it.</exception>
    /// <exception cref="InvalidInputException">The folder may not be written.</exception>
    public static WriterLock Take(string store)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return Open(store);
            }
            catch (UnauthorizedAccessException error)
            {
                throw new InvalidInputException($"{store}: no permission to write to this store", error);
            }
            catch (IOException error) when (File.Exists(PathIn(store)))
            {
                if (Stopwatch.GetElapsedTime(start) > Patience)
                {
                    throw new StoreWriteException($"{store}: another process is writing to this store; try again when it has finished", error);
                }

                Thread.Sleep(10);
            }
        }
    }

    /// <summary>Null where another writer holds it or the store may only be read.</summary>
    public static WriterLock? TryTake(string store)
    {
        try
        {
            return Open(store);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();

    private static WriterLock Open(string store) => new(new FileStream(PathIn(store), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));

    private static string PathIn(string store) => Path.Combine(store, "writer.lock");
}
