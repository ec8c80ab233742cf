namespace Kvasir.Cli.Output;

/// <summary>The input was right but the work failed (no network, a full disk). The message is one line; the exit code is 1.</summary>
internal sealed class WorkFailedException : IOException
{
    private const int NoSpaceOnUnix = 28, NoSpaceOnWindows = unchecked((int)0x80070070);

    public WorkFailedException(string message) : base(message) { }

    public WorkFailedException(string message, Exception innerException) : base(message, innerException) { }

    public WorkFailedException() { }

    /// <summary>Whether the error says that the disk is full.</summary>
    public static bool IsNoSpace(IOException error) => error.HResult is NoSpaceOnUnix or NoSpaceOnWindows;
}
