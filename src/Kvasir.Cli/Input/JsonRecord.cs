using System.Text.Json;

namespace Kvasir.Cli.Input;

/// <summary>An object of a JSON Lines file, and where it stands.</summary>
internal sealed record JsonRecord(string Place, JsonElement Line)
{
    /// <summary>The objects of a file, one a line; empty lines are skipped.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or a line is no object.</exception>
    public static IEnumerable<JsonRecord> ReadLines(string file)
    {
        foreach ((int index, string line) in TextInput.ReadFile(file).Split('\n').Index())
        {
            if (line.AsSpan().IsWhiteSpace()) continue;
            string place = $"{file}, line {index + 1}";
            yield return new JsonRecord(place, Parse(line, place));
        }
    }

    /// <exception cref="InvalidInputException">There is no such text.</exception>
    public string Text(string name) => Line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
        ? value.GetString()! : throw new InvalidInputException($"{Place}: no text under \"{name}\"");

    /// <exception cref="InvalidInputException">There is no such list.</exception>
    public string[] Texts(string name) =>
        Line.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. list.EnumerateArray().Select(item => item.GetString()!)]
            : throw new InvalidInputException($"{Place}: no list of texts under \"{name}\"");

    private static JsonElement Parse(string line, string place)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone() : throw new InvalidInputException($"{place}: not a JSON object");
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{place}: not JSON ({problem.Message})", problem);
        }
    }
}
