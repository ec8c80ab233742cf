namespace Kvasir.Cli.Options;

/// <summary>The option <c>--key-file</c>: the secret that exporter and importer share.</summary>
internal sealed class ExportKeyOption(ExampleCommand command, string description)
{
    private const string Variable = "KVASIR_EXPORT_KEY";
    private const int LeastBytes = 16, MostBytes = 1 << 16;

    private readonly Option<string?> _file =
        command.Option<string?>("--key-file", "FILE", $"{description} (default: {Variable}, or none)");

    /// <summary>The key's bytes, without line ends behind them; null where none is given.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or the key is too short.</exception>
    public byte[]? Read(ParseResult parsed)
    {
        string? file = parsed.GetValue(_file);
        if (file is null && Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 }) return null;
        byte[] key = file is null ? Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable(Variable)!) : ReadFile(file);
        key = key.AsSpan().TrimEnd("\r\n"u8).ToArray();
        return key.Length >= LeastBytes ? key
            : throw new InvalidInputException($"{file ?? Variable}: a key of {key.Length} bytes; use at least {LeastBytes} random ones");
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MostBytes) throw new InvalidInputException($"{path}: too large for a key");
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (IOException problem)
        {
            throw new InvalidInputException($"{path}: the key cannot be read ({problem.Message})", problem);
        }
    }
}
