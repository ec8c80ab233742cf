namespace Kvasir.Cli.Tests;

/// <summary>Signals to the program as a process of its own.</summary>
public sealed class SignalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private FileStream? _writer;

    public void Dispose()
    {
        _writer?.Dispose();
        _folder.Dispose();
    }

    [SkippableTheory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void Command_that_waits_for_the_system_ends_within_its_grace(string signal)
    {
        using Process program = StartReadingAPipe();
        var clock = Stopwatch.StartNew();
        Send(program, signal);
        Assert.True(program.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal(ExitCode.Interrupted, program.ExitCode);
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));
    }

    [SkippableFact]
    public void Second_signal_ends_it_at_once()
    {
        using Process program = StartReadingAPipe();
        Send(program, "INT");
        Send(program, "TERM");
        Assert.True(program.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal(ExitCode.Interrupted, program.ExitCode);
    }

    [SkippableFact]
    public void Pipe_that_is_named_gives_one_line()
    {
        Invocation.Of("read", Pipe()).IsRefused("no regular file");
        Assert.Equal(ExitCode.Done, Invocation.Of("read", _folder.Path).Code);
    }

    /// <summary>tokenize reads what it is given, so a pipe that no one writes to holds it in a call to the system.</summary>
    private Process StartReadingAPipe()
    {
        string pipe = Pipe(), program = Path.Combine(AppContext.BaseDirectory, "Kvasir.Cli.dll");
        Process started = Process.Start(
            new ProcessStartInfo("dotnet", [program, "tokenize", "--file", pipe])
            {
                RedirectStandardError = true,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                UseShellExecute = false
            })!;
        // A pipe opens for its writer when it has a reader.
        Task<FileStream> opening = Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write));
        Assert.True(opening.Wait(TimeSpan.FromSeconds(60)));
        _writer = opening.Result;
        return started;
    }

    private string Pipe()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        string pipe = _folder.Sub("pipe.txt");
        using Process made = Process.Start("mkfifo", [pipe]);
        made.WaitForExit();
        Skip.If(made.ExitCode != 0);
        return pipe;
    }

    private static void Send(Process process, string signal)
    {
        using Process kill = Process.Start("/bin/sh", ["-c", $"kill -s {signal} {process.Id}"]);
        kill.WaitForExit();
    }
}
