namespace Kvasir.Cli;

/// <summary>Which model a command uses.</summary>
internal static class ModelChoice
{
    public static string Resolve(string? given, Terminal terminal)
    {
        _ = terminal;
        return given ?? Environment.GetEnvironmentVariable("KVASIR_MODEL") ?? First(name => !name.Contains("MiniLM", StringComparison.OrdinalIgnoreCase));
    }

    public static string ResolveEmbedding(string? given) => given ?? First(name => name.Contains("MiniLM", StringComparison.OrdinalIgnoreCase));

    private static string First(Func<string, bool> fits) =>
        Directory.EnumerateFiles(Environment.GetEnvironmentVariable("KVASIR_MODELS") ?? ".", "*.gguf").FirstOrDefault(path => fits(Path.GetFileName(path))) ?? throw new InvalidInputException("no model was found");
}
