using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kvasir.Cli.Input;

/// <summary>A question of many.</summary>
/// <param name="Id">As its file gives it, or the number of its line.</param>
/// <param name="Text">The question.</param>
internal sealed record Question(JsonNode Id, string Text);

/// <summary>Many questions: one a line, or JSON Lines with "question" and, if wanted, "id". Empty lines are passed over.</summary>
internal static class QuestionFile
{
    /// <exception cref="InvalidInputException">A line is not UTF-8, or not such an object; or there is no question at all.</exception>
    public static IReadOnlyList<Question> Parse(ReadOnlySpan<byte> bytes, string name)
    {
        var questions = new List<Question>();
        bool? json = null;
        bytes = bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
        for (int line = 1; !bytes.IsEmpty; line++)
        {
            int end = bytes.IndexOf((byte)'\n');
            string text = TextInput.Decode(end < 0 ? bytes : bytes[..end], $"{name}, line {line}").Trim();
            bytes = end < 0 ? [] : bytes[(end + 1)..];
            if (text.Length == 0) continue;
            json ??= text[0] == '{';
            questions.Add(json.Value ? ParseJson(text, line, name) : new Question(line, text));
        }

        return questions.Count > 0
            ? questions : throw new InvalidInputException($"{name}: holds no questions; give one a line, or JSON Lines with \"question\"");
    }

    private static Question ParseJson(string text, int line, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("question", out JsonElement question)
                || question.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(question.GetString()))
                throw new InvalidInputException(
                    $"{name}, line {line}: no text under \"question\"; give an object such as {{\"id\": \"q1\", \"question\": \"Who wrote "
                    + $"it?\"}}");
            JsonNode id = root.TryGetProperty("id", out JsonElement given) ? Id(given, line, name) : line;
            return new Question(id, question.GetString()!.Trim());
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            throw new InvalidInputException($"{name}, line {line}: not JSON, as the first question is ({problem.Message})", problem);
        }
    }

    private static JsonNode Id(JsonElement id, int line, string name) => id.ValueKind switch
    {
        JsonValueKind.String => id.GetString()!,
        JsonValueKind.Number => JsonNode.Parse(id.GetRawText())!,
        JsonValueKind.Null => line,
        _ => throw new InvalidInputException($"{name}, line {line}: \"id\" is neither a text nor a number"),
    };
}
