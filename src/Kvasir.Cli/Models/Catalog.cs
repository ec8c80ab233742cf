namespace Kvasir.Cli.Models;

/// <summary>Models that can be pulled by name. Small ones come with 8-bit weights, which cost little and lose nothing; larger ones with 4-bit.</summary>
internal static class Catalog
{
    public const string DefaultName = "SmolLM2-135M-Instruct";

    private const string Apache = "Apache-2.0";
    private const string Llama = "Llama 3.2 Community License";

    public static IReadOnlyList<CatalogEntry> Entries { get; } =
    [
        new(DefaultName, "bartowski/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct-Q8_0.gguf", null, Apache),
        new("SmolLM2-360M-Instruct", "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF", "smollm2-360m-instruct-q8_0.gguf", null, Apache),
        new("SmolLM2-1.7B-Instruct", "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF", "smollm2-1.7b-instruct-q4_k_m.gguf", null, Apache),
        new("Llama-3.2-1B", "QuantFactory/Llama-3.2-1B-GGUF", "Llama-3.2-1B.Q4_K_M.gguf", null, Llama),
        new("Llama-3.2-1B-Instruct", "bartowski/Llama-3.2-1B-Instruct-GGUF", "Llama-3.2-1B-Instruct-Q4_K_M.gguf", 807_694_464, Llama),
        new("Qwen2.5-0.5B", "QuantFactory/Qwen2.5-0.5B-GGUF", "Qwen2.5-0.5B.Q8_0.gguf", null, Apache),
        new("Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct-GGUF", "qwen2.5-0.5b-instruct-q8_0.gguf", null, Apache),
        new("Qwen2.5-1.5B", "QuantFactory/Qwen2.5-1.5B-GGUF", "Qwen2.5-1.5B.Q4_K_M.gguf", null, Apache),
        new("Qwen2.5-1.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct-GGUF", "qwen2.5-1.5b-instruct-q4_k_m.gguf", null, Apache),
        new("Qwen3-0.6B", "Qwen/Qwen3-0.6B-GGUF", "Qwen3-0.6B-Q8_0.gguf", 639_446_688, Apache),
        new("all-MiniLM-L6-v2", "second-state/All-MiniLM-L6-v2-Embedding-GGUF", "all-MiniLM-L6-v2-Q8_0.gguf", null, Apache),
    ];

    /// <summary>The entry of this name, in any letter case; null where there is none.</summary>
    public static CatalogEntry? Find(string name) => Entries.FirstOrDefault(entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>An entry by name, or any GGUF file of the hub as <c>owner/repository/file.gguf</c>.</summary>
    /// <exception cref="InvalidInputException">Neither.</exception>
    public static CatalogEntry Require(string name)
    {
        string[] parts = name.Split('/', 3);
        bool isFile = parts.Length == 3 && name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && name.Split('/').All(IsPathPart);
        return Find(name) ?? (isFile ? new CatalogEntry(name, $"{parts[0]}/{parts[1]}", parts[2], null, "see its page on the hub") : throw new InvalidInputException(
            $"'{name}' is not a model that can be pulled; take one of {string.Join(", ", Entries.Select(entry => entry.Name))}, or name a file of the hub as owner/repository/file.gguf"));
    }

    private static bool IsPathPart(string part) =>
        part.Length > 0 && part[0] != '.' && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
