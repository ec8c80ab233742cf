namespace Kvasir.Documents.Storage;

/// <summary>Lets one process at a time write to a store. The operating system frees it when the process ends, however it ends.</summary>
internal sealed class WriterLock : IDisposable
{
    private readonly FileStream _file;

    private WriterLock(FileStream file) => _file = file;

    /// <exception cref="StoreWriteException">Another writer holds it.</exception>
    /// <exception cref="InvalidInputException">The folder may not be written.</exception>
    public static WriterLock Take(string store)
    {
        try
        {
            return new WriterLock(new FileStream(Path.Combine(store, "writer.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException error)
        {
            throw new InvalidInputException($"{store}: no permission to write to this store", error);
        }
        catch (IOException error) when (File.Exists(Path.Combine(store, "writer.lock")))
        {
            throw new StoreWriteException($"{store}: another process is writing to this store; try again when it has finished", error);
        }
    }

    public void Dispose() => _file.Dispose();
}
