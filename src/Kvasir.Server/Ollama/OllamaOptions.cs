using Kvasir.Generation;
using Kvasir.Server.Engine;
using Kvasir.Server.Requests;

namespace Kvasir.Server.Ollama;

/// <summary>The options object of Ollama's requests, with Ollama's defaults.</summary>
internal static class OllamaOptions
{
    public static IReadOnlyList<Field> Fields { get; } =
    [
        new("temperature", "number", "Default 0.8"), new("top_k", "integer", "Default 40"), new("top_p", "number", "Default 0.9"),
        new("min_p", "number", "Default 0"), new("seed", "integer", "The same seed gives the same text"),
        new("num_predict", "integer", "The most tokens; -1 until the context is full"),
            new("stop", "string|array", "Texts that end the reply"),
        new("repeat_penalty", "number", "Default 1.1"), new("repeat_last_n", "integer", "Default 64; -1 the whole context"),
        new("frequency_penalty", "number", "Default 0"), new("presence_penalty", "number", "Default 0"),
        new("num_ctx", "integer", "At most the model's context, which it always has"),
        new("kv", "string", SamplingFields.KvMeaning + ". Not Ollama's"),
    ];

    public static GenerationOptions Read(RequestReader request, ServedModels models)
    {
        RequestReader options = request.Object("options", Fields) ?? new RequestReader(Empty, Fields);
        int context = models.Engine.ContextLength;
        options.Whole("num_ctx", 1, context);
        long tokens = options.Whole("num_predict", -1, int.MaxValue) ?? models.Engine.Options.UsualMaxTokens;
        if (tokens == 0) throw options.Wrong("num_predict", "give at least 1, or -1 for as many as there is room for");
        long window = options.Whole("repeat_last_n", -1, int.MaxValue) ?? 64;
        return new GenerationOptions
        {
            MaxTokens = tokens < 0 ? context : (int)tokens,
            Stop = SamplingFields.Stops(options, "stop"),
            Policy = SamplingFields.Policy(options, models.Engine.Options),
            Sampler = new SamplerOptions
            {
                Temperature = (float)(options.Number("temperature", 0, 100) ?? 0.8),
                TopK = (int)(options.Whole("top_k", 0, int.MaxValue) ?? 40),
                TopP = options.Get("top_p") is null ? 0.9f : SamplingFields.TopP(options),
                MinP = (float)(options.Number("min_p", 0, 1) ?? 0),
                RepeatPenalty = (float)(options.Number("repeat_penalty", 0.01, 100) ?? 1.1),
                RepeatWindow = window < 0 ? context : (int)window,
                FrequencyPenalty = (float)(options.Number("frequency_penalty", -2, 2) ?? 0),
                PresencePenalty = (float)(options.Number("presence_penalty", -2, 2) ?? 0),
                Seed = (ulong?)options.Whole("seed", long.MinValue, long.MaxValue),
            },
        };
    }

    /// <summary><c>format</c>: the word json, or a schema; null for free text.</summary>
    public static JsonElement? Schema(RequestReader request)
    {
        if (request.Get("format") is not { } format || format is { ValueKind: JsonValueKind.String } && format.GetString()
            is "") return null;
        if (format.ValueKind == JsonValueKind.Object) return format;
        request.Word("format", "json");
        return JsonSerializer.SerializeToElement(new { type = "object" });
    }

    private static readonly JsonElement Empty = JsonSerializer.SerializeToElement(new { });
}
