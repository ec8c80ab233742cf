namespace Kvasir.Documents.Catalog;

/// <summary>
/// A store could not be written (the disk is full, another process writes to it). What it held before is intact; the message is one line
/// for the user.
/// </summary>
public sealed class StoreWriteException(string message, Exception? innerException = null) : IOException(message, innerException)
{
    internal const int NoSpaceOnUnix = 28;

    private const int NoSpaceOnWindows = unchecked((int)0x80070070);

    internal static StoreWriteException From(string store, IOException error) =>
        error as StoreWriteException ?? new StoreWriteException(
            error.HResult is NoSpaceOnUnix or NoSpaceOnWindows
                ? $"{store}: the disk is full; what the store held is intact, and the same command goes on where it stopped once there is "
                    + "space"
                : $"{store}: the store cannot be written ({error.Message}); what it held is intact",
            error);
}
