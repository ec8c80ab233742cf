namespace Kvasir.Cli.Output;

/// <summary>Command lines for a person to type.</summary>
internal static class TypedCommand
{
    /// <summary>How the program was called.</summary>
    public static string Program =>
        Environment.GetEnvironmentVariable("KVASIR_COMMAND") is { Length: > 0 } typed ? TerminalText.Line(typed) : "kvasir";

    /// <summary>A command line that a shell takes as it is.</summary>
    public static string Line(IEnumerable<string> args) => string.Join(' ', args.Select(Quoted).Prepend(Program));

    private static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || "-_=,./:%@+".Contains(c)) ? word
        : OperatingSystem.IsWindows() ? $"\"{word}\""
        : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
