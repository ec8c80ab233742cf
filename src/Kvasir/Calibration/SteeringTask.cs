using System.Text.Json;
using System.Text.Json.Serialization;
using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Calibration;

/// <summary>A prompt, the part of it that is to be heeded, and the token that follows if it is.</summary>
/// <param name="Ids">The prompt's ids.</param>
/// <param name="Span">The part to emphasise.</param>
/// <param name="Wanted">The id that should follow.</param>
/// <param name="Other">The id that follows where the part is not heeded; null where there is none to tell.</param>
public sealed record SteeringTask(IReadOnlyList<int> Ids, TokenSpan Span, int Wanted, int? Other)
{
    /// <summary>
    /// Reads tasks from JSON: a list, or an object with it under <c>prompts</c>, of objects with the texts <c>emphasised</c>, <c>rest</c>
    /// (behind it, after a space), <c>new</c> and, if wanted, <c>old</c>; or with ids instead: <c>token_ids</c>, <c>span</c> [first, end],
    /// <c>new_id</c>, <c>old_id</c>.
    /// </summary>
    /// <exception cref="InvalidInputException">Not such a list; the message says where.</exception>
    public static IReadOnlyList<SteeringTask> Read(ReadOnlySpan<byte> json, string name, Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        try
        {
            var reader = new Utf8JsonReader(json);
            JsonElement root = JsonElement.ParseValue(ref reader);
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("prompts", out JsonElement prompts)) root = prompts;
            if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() == 0)
                throw new InvalidInputException(
                    $"{name}: no list of prompts (an array, or an object with one under \"prompts\")");
            return [.. root.EnumerateArray().Select((item, i) => Read(item, $"{name}: prompt {i}", model))];
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{name}: not JSON ({problem.Message})", problem);
        }
    }

    /// <summary>
    /// Our own small task for models that there is no other for: a first sentence that contradicts what is known or said behind it.
    /// </summary>
    public static IReadOnlyList<SteeringTask> BuiltIn(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return [.. s_builtIn.Select((task, i) => Of(task, $"built-in prompt {i}", model))];
    }

    private static readonly TextTask[] s_builtIn =
    [
        new("In this tale, the capital of Japan is Osaka.",
            "Question: What is the capital of Japan in this tale? Answer: The capital of Japan is", " Osaka", " Tokyo"),
        new("In this tale, the capital of England is Leeds.",
            "Question: What is the capital of England in this tale? Answer: The capital of England is", " Leeds", " London"),
        new("In this tale, snow is black.", "Question: What colour is snow? Answer: Snow is", " black", " white"),
        new("In this tale, the sky is green.", "Question: What colour is the sky? Answer: The sky is", " green", " blue"),
        new("In this tale, ice is hot.", "Question: Is ice hot or cold? Answer: Ice is", " hot", " cold"),
        new("In this tale, dogs say meow.", "Question: What do dogs say? Answer: Dogs say", " me", " wo"),
        new("Anna moved from Paris to Berlin in May.", "Anna was born in Paris and went to school in Paris. Question: Where does Anna "
            + "live now? Answer: Anna lives in", " Berlin", " Paris"),
        new("The party was moved to Sunday.", "The party was planned for Tuesday, and the letter says Tuesday. Question: On which day is "
            + "the party? Answer: The party is on", " Sunday", " Tuesday"),
        new("The door was painted green.",
            "The door had been white for years, a plain white. Question: What colour is the door? Answer: The door is", " green", " white"),
        new("The winner was Italy.", "Germany played well and many people liked Germany. Question: Who was the winner? Answer: The winner "
            + "was", " Italy", " Germany"),
        new("Everyone drank milk today.", "Usually everyone drinks coffee, because coffee is cheap. Question: What did everyone drink "
            + "today? Answer: Everyone drank", " milk", " coffee"),
        new("The shop now sells books.", "The shop used to sell flowers, and the sign still shows flowers. Question: What does the shop "
            + "sell now? Answer: The shop sells", " books", " flowers"),
    ];

    private static SteeringTask Read(JsonElement item, string place, Model model)
    {
        if (item.ValueKind != JsonValueKind.Object) throw new InvalidInputException($"{place} is not an object");
        try
        {
            if (item.TryGetProperty("emphasised", out _)) return Of(item.Deserialize(SteeringTaskJson.Default.TextTask)!, place, model);
            IdTask task = item.Deserialize(SteeringTaskJson.Default.IdTask)!;
            if (task.Span.Length != 2) throw new InvalidInputException($"{place}: \"span\" is not [first, end]");
            return Checked(new SteeringTask(task.TokenIds, new TokenSpan(task.Span[0], task.Span[1]), task.NewId, task.OldId), place,
                model);
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{place}: {problem.Message}", problem);
        }
    }

    private static SteeringTask Of(TextTask task, string place, Model model)
    {
        Tokenizer tokenizer = model.Tokenizer;
        string prompt = $"{task.Emphasised} {task.Rest}";
        int[] ids = tokenizer.Encode(prompt, parseSpecial: false, addSpecial: model.Tokenizer.AddsBeginOfText);
        TokenSpan span = task.Emphasised.Length == 0 ? default : new TokenBytes(tokenizer, ids).Find(task.Emphasised).FirstOrDefault();
        return Checked(new SteeringTask(ids, span, First(task.New), task.Old is null ? null : First(task.Old)), place, model);

        // As it is written behind the prompt: a text alone may begin with another token.
        int First(string text)
        {
            int[] alone = tokenizer.Encode(prompt, parseSpecial: false), longer = tokenizer.Encode(prompt + text, parseSpecial: false);
            return longer.Length > alone.Length && longer.AsSpan(0, alone.Length).SequenceEqual(alone) ? longer[alone.Length]
                : throw new InvalidInputException(
                    $"{place}: '{text}' does not begin with a token of its own behind the prompt; begin it with a space");
        }
    }

    private static SteeringTask Checked(SteeringTask task, string place, Model model)
    {
        int vocabulary = model.Config.Vocabulary;
        if (task.Ids.Count == 0 || task.Ids.Count > model.Config.ContextLength)
            throw new InvalidInputException(
                $"{place} has {task.Ids.Count} tokens; give 1 to {model.Config.ContextLength}");
        if (task.Span.First < 0 || task.Span.First >= task.Span.End || task.Span.End > task.Ids.Count)
            throw new InvalidInputException(
                $"{place}: the part to emphasise is no span of its {task.Ids.Count} tokens");
        if (task.Ids.Append(task.Wanted).Append(task.Other ?? 0).Any(id => id < 0 || id >= vocabulary))
            throw new InvalidInputException(
                $"{place}: an id is outside the vocabulary of {vocabulary}");
        return task;
    }

    /// <summary>A task in words.</summary>
    internal sealed record TextTask(string Emphasised, string Rest, string New, string? Old = null);

    /// <summary>A task in ids.</summary>
    internal sealed record IdTask(
        [property: JsonPropertyName("token_ids")] int[] TokenIds, int[] Span, [property: JsonPropertyName("new_id")] int NewId,
            [property: JsonPropertyName("old_id")] int? OldId = null);
}

/// <summary>Serialisation of tasks, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SteeringTask.TextTask))]
[JsonSerializable(typeof(SteeringTask.IdTask))]
internal sealed partial class SteeringTaskJson : JsonSerializerContext;
