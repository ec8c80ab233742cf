namespace Kvasir.Cli.Input;

/// <summary>Text from files and standard input. What is not valid UTF-8 is refused, never repaired silently.</summary>
internal static class TextInput
{
    private const long LongestFile = 1L << 30;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="InvalidInputException">It is missing, a directory, too long, or not UTF-8.</exception>
    public static string ReadFile(string path) => Decode(ReadBytes(path), path);

    public static string ReadAll(Stream input) => Decode(ReadBytes(input), "standard input");

    public static byte[] ReadBytes(Stream input)
    {
        using var bytes = new MemoryStream();
        input.CopyTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>The text as an argument, from a file (<c>-</c> is standard input), or else from standard input.</summary>
    public static string Read(string? argument, string? file, Terminal terminal, string what)
    {
        if (argument is not null && file is not null)
            throw new InvalidInputException($"{what} was given twice, as an argument and with --file; give one of them");
        if (argument is not null) return argument;
        if (file is not null && file != "-") return ReadFile(file);
        if (file is null && terminal.InputIsInteractive)
            throw new InvalidInputException($"no {what} was given; give it as an argument, with --file, or on standard input");
        return ReadAll(terminal.In);
    }

    public static string Decode(ReadOnlySpan<byte> bytes, string name)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException problem)
        {
            throw new InvalidInputException(
                $"{name}: not valid UTF-8 at byte {Math.Max(0, problem.Index)}; convert it to UTF-8 first", problem);
        }
    }

    /// <exception cref="InvalidInputException">It is missing, a directory, or too long.</exception>
    public static byte[] ReadBytes(string path)
    {
        if (path.Length == 0) throw new InvalidInputException("the file's name is empty");
        if (Directory.Exists(path)) throw new InvalidInputException($"{path}: a directory; give a file");
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) throw new InvalidInputException($"{path}: no such file");
            if (file.Length > LongestFile) throw new InvalidInputException($"{path}: longer than 1 GB; give a shorter text");
            return File.ReadAllBytes(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new InvalidInputException($"{path}: cannot be read ({problem.Message})", problem);
        }
    }
}
