namespace Kvasir.Cli.Models;

/// <summary>Models that can be pulled by name: small ones with 8-bit weights, which lose nothing, larger ones with 4-bit.</summary>
internal static class Catalog
{
    public const string DefaultName = "SmolLM2-135M-Instruct", BetterName = "SmolLM2-360M-Instruct", DefaultEncoder = "all-MiniLM-L6-v2";

    private const string Apache = "Apache-2.0", Llama = "Llama 3.2 Community License", Gemma = "Gemma Terms of Use";
    private const string Chat = "chat", Text = "continues text", Encoder = "finds passages";

    public static IReadOnlyList<CatalogEntry> Entries { get; } =
    [
        new(DefaultName, "bartowski/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct-Q8_0.gguf", null, Apache) { Megabytes = 145,
            Use = Chat },
        new("SmolLM2-360M-Instruct", "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF", "smollm2-360m-instruct-q8_0.gguf", null,
            Apache) { Megabytes = 386, Use = Chat },
        new("SmolLM2-1.7B-Instruct", "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF", "smollm2-1.7b-instruct-q4_k_m.gguf", null,
            Apache) { Megabytes = 1060, Use = Chat },
        new("Qwen3-0.6B", "Qwen/Qwen3-0.6B-GGUF", "Qwen3-0.6B-Q8_0.gguf", 639_446_688, Apache) { Megabytes = 639, Use = Chat },
        new("Qwen3-1.7B", "Qwen/Qwen3-1.7B-GGUF", "Qwen3-1.7B-Q8_0.gguf", 1_834_426_016, Apache) { Megabytes = 1834, Use = Chat },
        new("Qwen3-4B", "Qwen/Qwen3-4B-GGUF", "Qwen3-4B-Q4_K_M.gguf", 2_497_280_256, Apache) { Megabytes = 2497, Use = Chat },
        new("SmolLM3-3B", "ggml-org/SmolLM3-3B-GGUF", "SmolLM3-Q4_K_M.gguf", 1_915_305_312, Apache) { Megabytes = 1915, Use = Chat },
        new("Granite-3.3-2B-Instruct", "ibm-granite/granite-3.3-2b-instruct-GGUF", "granite-3.3-2b-instruct-Q4_K_M.gguf", 1_545_303_328,
            Apache) { Megabytes = 1545, Use = Chat },
        new("Gemma-3-270M-it", "ggml-org/gemma-3-270m-it-GGUF", "gemma-3-270m-it-Q8_0.gguf", 291_545_600, Gemma) { Megabytes = 292,
            Use = Chat },
        new("Gemma-3-1B-it", "unsloth/gemma-3-1b-it-GGUF", "gemma-3-1b-it-Q4_K_M.gguf", null, Gemma) { Megabytes = 806, Use = Chat },
        new("Gemma-3-4B-it", "unsloth/gemma-3-4b-it-GGUF", "gemma-3-4b-it-Q4_K_M.gguf", null, Gemma) { Megabytes = 2490, Use = Chat },
        new("Llama-3.2-1B-Instruct", "bartowski/Llama-3.2-1B-Instruct-GGUF", "Llama-3.2-1B-Instruct-Q4_K_M.gguf", 807_694_464,
            Llama) { Megabytes = 808, Use = Chat },
        new("Llama-3.2-3B-Instruct", "bartowski/Llama-3.2-3B-Instruct-GGUF", "Llama-3.2-3B-Instruct-Q4_K_M.gguf", null,
            Llama) { Megabytes = 2019, Use = Chat },
        new("Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct-GGUF", "qwen2.5-0.5b-instruct-q8_0.gguf", null, Apache) { Megabytes = 676,
            Use = Chat },
        new("Qwen2.5-1.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct-GGUF", "qwen2.5-1.5b-instruct-q4_k_m.gguf", null,
            Apache) { Megabytes = 1117, Use = Chat },
        new("Llama-3.2-1B", "QuantFactory/Llama-3.2-1B-GGUF", "Llama-3.2-1B.Q4_K_M.gguf", null, Llama) { Megabytes = 808, Use = Text },
        new("Qwen2.5-0.5B", "QuantFactory/Qwen2.5-0.5B-GGUF", "Qwen2.5-0.5B.Q8_0.gguf", null, Apache) { Megabytes = 531, Use = Text },
        new("Qwen2.5-1.5B", "QuantFactory/Qwen2.5-1.5B-GGUF", "Qwen2.5-1.5B.Q4_K_M.gguf", null, Apache) { Megabytes = 986, Use = Text },
        new(DefaultEncoder, "second-state/All-MiniLM-L6-v2-Embedding-GGUF", "all-MiniLM-L6-v2-Q8_0.gguf", null, Apache) { Megabytes = 25,
            Use = Encoder },
        new("bge-small-en-v1.5", "CompendiumLabs/bge-small-en-v1.5-gguf", "bge-small-en-v1.5-q8_0.gguf", null, "MIT") { Megabytes = 37,
            Use = Encoder },
        new("snowflake-arctic-embed-xs", "yixuan-chia/snowflake-arctic-embed-xs-GGUF", "snowflake-arctic-embed-xs-Q8_0.gguf", null,
            Apache) { Megabytes = 25, Use = Encoder },
    ];

    /// <summary>The entry of this name, in any letter case; null where there is none.</summary>
    public static CatalogEntry? Find(string name) =>
        Entries.FirstOrDefault(entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>An entry by name, or any GGUF file of the hub as <c>owner/repository/file.gguf</c>.</summary>
    /// <exception cref="InvalidInputException">Neither.</exception>
    public static CatalogEntry Require(string name) =>
        Find(name) ?? (HubReference.Parse(name) is { File: not null } reference ? reference.Entry(name) : throw new InvalidInputException(
        $"'{name}' is not a model that can be pulled; take one of {string.Join(", ", Entries.Select(entry => entry.Name))}, or name a "
            + "repository of the hub as owner/repository[:Q4_K_M][@revision], or a file of it as owner/repository/file.gguf"));
}
