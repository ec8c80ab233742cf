using System.Text.Json;

namespace Kvasir.Cli.Measuring;

/// <summary>
/// Pass-key prompts from JSON: "items" of "context_ids", "question_ids" and "answer_ids", with which a right answer starts.
/// </summary>
internal static class PasskeyFile
{
    private const string DefaultName = "passkey.json";

    /// <param name="path">The file, or a folder with passkey.json in it.</param>
    /// <param name="limit">Only the first ones; all where null.</param>
    /// <exception cref="InvalidInputException">Not such a file.</exception>
    public static IReadOnlyList<RetrievalPrompt> Read(string path, int? limit)
    {
        string file = Directory.Exists(path) ? Path.Combine(path, DefaultName) : path;
        try
        {
            using JsonDocument document = JsonDocument.Parse(TextInput.ReadFile(file));
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("items", out JsonElement items) || items.ValueKind != JsonValueKind.Array
                || items.GetArrayLength() == 0)
                throw new InvalidInputException($"{file}: no list under \"items\"");
            return [.. items.EnumerateArray().Take(limit ?? int.MaxValue)
                .Select((item, index) => Prompt(item, $"{file}: item {index}", index))];
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{file}: not JSON ({problem.Message})", problem);
        }
    }

    private static RetrievalPrompt Prompt(JsonElement item, string place, int index)
    {
        if (item.ValueKind != JsonValueKind.Object) throw new InvalidInputException($"{place} is not an object");
        string name = item.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.String ? id.GetString()! : $"{index}";
        int[] answer = Ids(item, "answer_ids", place);
        return new RetrievalPrompt(name, Ids(item, "context_ids", place), Ids(item, "question_ids", place), answer.Length, said =>
            said.AsSpan().SequenceEqual(answer) ? 1 : 0);
    }

    private static int[] Ids(JsonElement item, string name, string place)
    {
        if (!item.TryGetProperty(name, out JsonElement list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            throw new InvalidInputException($"{place} has no token ids under \"{name}\"");
        return [.. list.EnumerateArray()
            .Select(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int value) && value >= 0
            ? value : throw new InvalidInputException($"{place}: \"{name}\" holds {id.GetRawText()}, which is no token id"))];
    }
}
