using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Generation.Constraints;
using Kvasir.Server.Requests;

namespace Kvasir.Server.Engine;

/// <summary>The fields that say how tokens are chosen, as OpenAI names them, with some of llama.cpp's.</summary>
internal static class SamplingFields
{
    private const int MostStops = 16, MostStopCharacters = 256;

    /// <summary>What a request says by <c>kv</c>, in each language.</summary>
    public const string KvMeaning = "How keys and values are kept: the server's own policy, or one that it allows";

    public static IReadOnlyList<Field> All { get; } =
    [
        new("temperature", "number", "0 (greedy) to 2; default 1"),
        new("top_p", "number", "0 to 1; default 1"),
        new("top_k", "integer", "Only the k most probable tokens; 0, the default, means all. Not OpenAI's"),
        new("min_p", "number", "Only tokens with this share of the best one's probability; default 0. Not OpenAI's"),
        new("repeat_penalty", "number", "Divides the logits of the last 64 tokens; default 1. Not OpenAI's"),
        new("frequency_penalty", "number", "-2 to 2; default 0"),
        new("presence_penalty", "number", "-2 to 2; default 0"),
        new("seed", "integer", "The same seed, model and request give the same text"),
        new("stop", "string|array", "Up to 16 texts that end the reply and are not part of it"),
        new("grammar", "string", "Rules (GBNF) that the reply keeps to. Not OpenAI's"),
        new("kv", "string", KvMeaning + ". Not OpenAI's"),
    ];

    public static GenerationOptions Read(RequestReader fields, EngineLoop engine, int maxTokens) => new()
    {
        MaxTokens = maxTokens,
        Stop = Stops(fields, "stop"),
        Constraint = fields.Text("grammar") is { } rules ? engine.Constraints.Get(rules, () => Grammar.Parse(rules)) : null,
        Policy = Policy(fields, engine.Options),
        Sampler = new SamplerOptions
        {
            Temperature = (float)(fields.Number("temperature", 0, 2) ?? 1),
            TopP = TopP(fields),
            TopK = (int)(fields.Whole("top_k", 0, int.MaxValue) ?? 0),
            MinP = (float)(fields.Number("min_p", 0, 1) ?? 0),
            RepeatPenalty = (float)(fields.Number("repeat_penalty", 0.01, 100) ?? 1),
            FrequencyPenalty = (float)(fields.Number("frequency_penalty", -2, 2) ?? 0),
            PresencePenalty = (float)(fields.Number("presence_penalty", -2, 2) ?? 0),
            Seed = (ulong?)fields.Whole("seed", long.MinValue, long.MaxValue),
        },
    };

    /// <summary>
    /// The policy that <c>kv</c> names, null where it names none. Found by its text alone: reading a policy may read files, which is not a
    /// caller's to ask for.
    /// </summary>
    public static KvPolicy? Policy(RequestReader fields, EngineOptions options)
    {
        if (fields.Text("kv") is not { } policy) return null;
        KvPolicy[] allowed = [options.Policy, .. options.Policies];
        return Array.Find(allowed, one => one.ToString() == policy)
            ?? throw fields.Wrong("kv", $"this server allows {string.Join("; ", allowed.Select(one => one.ToString()))}");
    }

    /// <summary>0 takes the most probable token alone.</summary>
    public static float TopP(RequestReader fields) => Math.Max((float)(fields.Number("top_p", 0, 1) ?? 1), float.Epsilon);

    public static IReadOnlyList<string> Stops(RequestReader fields, string name)
    {
        IReadOnlyList<string> stops = fields.Texts(name, MostStops, MostStopCharacters) ?? [];
        return stops.Any(stop => stop.Length == 0) ? throw fields.Wrong(name, "give texts of at least one character") : stops;
    }

    public static int MaxTokens(RequestReader fields, EngineLoop engine, params string[] names)
    {
        foreach (string name in names) if (fields.Whole(name, 1, int.MaxValue) is { } tokens) return (int)tokens;
        return engine.Options.UsualMaxTokens;
    }
}
