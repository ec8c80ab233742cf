using System.Collections.Concurrent;
using System.Text.Json;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

/// <summary>Tokenizers of the shared models, loaded once, and the reading of golden ids.</summary>
internal static class GoldenTokenizers
{
    private static readonly ConcurrentDictionary<string, Tokenizer> s_loaded = new();

    public static Tokenizer Load(string relative) => s_loaded.GetOrAdd(SharedData.Require(relative), path =>
    {
        using ModelFile file = ModelFiles.Open(path);
        return Tokenizer.Load(file);
    });

    public static Tokenizer SmolLm() => Load("models/SmolLM2-135M-Instruct.Q4_1.gguf");

    public static JsonElement Json(string relative) => JsonDocument.Parse(File.ReadAllBytes(SharedData.Require(relative))).RootElement;

    public static int[] Ids(this JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
