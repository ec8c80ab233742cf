namespace Kvasir.Documents.Catalog;

/// <summary>
/// A store may only be read: its folder without permission to write, or on a read-only file system. Questions are answered from it all the
/// same.
/// </summary>
public sealed class ReadOnlyStoreException(string message, Exception? innerException = null)
    : InvalidInputException(message, innerException)
{
    private const int ReadOnlyOnUnix = 30, ReadOnlyOnWindows = unchecked((int)0x80070013);

    internal static bool IsMeantBy(IOException error) => error.HResult is ReadOnlyOnUnix or ReadOnlyOnWindows;
}
