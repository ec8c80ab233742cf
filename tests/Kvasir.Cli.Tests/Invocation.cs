using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>One run of the program inside the test's process.</summary>
internal sealed record Invocation(int Code, string Out, string Error)
{
    /// <summary>The one JSON object on standard output.</summary>
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    public static Invocation Of(params string[] args) => With("", args);

    public static Invocation With(string input, params string[] args) => With(Encoding.UTF8.GetBytes(input), args);

    public static Invocation With(byte[] input, params string[] args)
    {
        using var stdin = new MemoryStream(input);
        using var stdout = new StringWriter();
        using var stderr = new StringWriter();
        using var terminal = new Terminal(stdin, stdout, stderr);
        int code = CommandLine.Run(args, terminal);
        return new Invocation(code, stdout.ToString(), stderr.ToString());
    }

    /// <summary>Exit code 2, nothing on standard output, and one line on standard error that names <paramref name="what"/>.</summary>
    public void IsRefused(string what)
    {
        Assert.Equal((ExitCode.BadInput, ""), (Code, Out));
        Assert.StartsWith("kvasir: ", Error, StringComparison.Ordinal);
        Assert.Equal(Error.Length - Environment.NewLine.Length, Error.IndexOf(Environment.NewLine, StringComparison.Ordinal));
        Assert.Contains(what, Error, StringComparison.Ordinal);
    }

    public Invocation IsDone(bool anyNotes = false)
    {
        Assert.True(Code == ExitCode.Done, $"exit code {Code}: {Error}");
        if (!anyNotes) Assert.Equal("", Error);
        return this;
    }
}
