namespace Kvasir.Cli.Tests;

/// <summary>Standard output and error that cannot be written, of the program as a process of its own.</summary>
public sealed class StandardStreamTests
{
    [SkippableFact]
    public void Output_that_cannot_be_written_is_work_that_failed()
    {
        (int code, string error) = Run("--version >/dev/full");
        Assert.Equal(ExitCode.Failed, code);
        Assert.StartsWith("kvasir: standard output cannot be written: ", error, StringComparison.Ordinal);
        (code, error) = Run("--version >&-");
        Assert.Equal(ExitCode.Failed, code);
        Assert.StartsWith("kvasir: standard output cannot be written: ", error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void What_cannot_be_said_on_standard_error_changes_nothing()
    {
        Assert.Equal(ExitCode.BadInput, Run("frobnicate 2>/dev/full").Code);
        Assert.Equal(ExitCode.Done, Run("--version 2>/dev/full").Code);
    }

    private static (int Code, string Error) Run(string line)
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        string program = Path.Combine(AppContext.BaseDirectory, "Kvasir.Cli.dll");
        using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"exec dotnet '{program}' {line}"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        string error = shell.StandardError.ReadToEnd();
        shell.WaitForExit();
        return (shell.ExitCode, error);
    }
}
