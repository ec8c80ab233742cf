using System.Text.Json;

namespace Kvasir.Documents.Reading;

/// <summary>JSON Lines of <c>{"id", "title", "text"}</c>: each line is a document; <c>text</c> is required, the others are not.</summary>
internal static class JsonLines
{
    /// <param name="content">The lines. A last one that is torn is left out.</param>
    /// <param name="notes">Told of that.</param>
    /// <exception cref="UnreadableDocumentException">Another line is no JSON object with a text, or an id stands twice.</exception>
    public static List<Document> Parse(string content, ICollection<string> notes)
    {
        var documents = new List<Document>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        int number = 0;
        foreach (ReadOnlySpan<char> line in content.AsSpan().EnumerateLines())
        {
            number++;
            if (line.IsWhiteSpace()) continue;
            Document? document = ParseLine(line.ToString(), number);
            if (document is null)
            {
                content.AsSpan().Overlaps(line, out int start);
                notes.Add(documents.Count > 0 && content.AsSpan(start + line.Length).IsWhiteSpace()
                    ? $"line {number}, the last, is torn and left out"
                    : throw new UnreadableDocumentException($"line {number}: not valid JSON"));
                break;
            }

            if (!ids.Add(document.Id!)) throw new UnreadableDocumentException($"line {number}: the id '{document.Id}' stands twice");
            if (!string.IsNullOrWhiteSpace(document.Text)) documents.Add(document);
        }

        return documents;
    }

    /// <summary>The document of a line; null where it is not JSON.</summary>
    private static Document? ParseLine(string line, int number)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new UnreadableDocumentException($"line {number}: not a JSON object");

            string text = Field(json.RootElement, "text") ?? throw new UnreadableDocumentException($"line {number}: no \"text\" string");
            string id = Field(json.RootElement, "id") ?? number.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return new Document(id, Field(json.RootElement, "title") ?? id, text.ReplaceLineEndings("\n").TrimEnd());
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Field(JsonElement element, string name) =>
        !element.TryGetProperty(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.ValueKind == JsonValueKind.Number ? value.GetRawText()
        : null;
}
