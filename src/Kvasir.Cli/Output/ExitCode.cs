namespace Kvasir.Cli.Output;

/// <summary>What the program says to a shell.</summary>
internal static class ExitCode
{
    public const int Done = 0, Failed = 1, BadInput = 2, Interrupted = 130;
}
