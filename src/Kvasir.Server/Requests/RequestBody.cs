using Kvasir.Formats;

namespace Kvasir.Server.Requests;

/// <summary>Reads a request's JSON: within the server's limits, strictly, and whole before anything is done.</summary>
internal static class RequestBody
{
    /// <summary>Deeper than any request that means something; schemas have a limit of their own.</summary>
    private const int MostDepth = 64;

    /// <exception cref="RequestException">No JSON object, not declared as JSON, invalid UTF-8, nested too deeply, or with a name
    /// twice.</exception>
    public static async Task<JsonElement> ReadAsync(HttpContext context)
    {
        // Pages of other sites can send forms and plain text without being asked; JSON they cannot.
        if (!context.Request.HasJsonContentType())
            throw new RequestException(StatusCodes.Status415UnsupportedMediaType,
                "send JSON, with the header Content-Type: application/json");
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = MostDepth, AllowDuplicateProperties = false };
            using JsonDocument document = await JsonDocument.ParseAsync(context.Request.Body, options, context.RequestAborted)
                .ConfigureAwait(false);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw RequestException.Bad("the request is no JSON object");
            CheckTexts(document.RootElement);
            return document.RootElement.Clone();
        }
        catch (JsonException problem)
        {
            string what = DamagedFile.Shortened(problem.Message.Split(" LineNumber")[0].TrimEnd('.'));
            throw RequestException.Bad($"the request is no valid JSON: {what}");
        }
    }

    /// <summary>JSON may name halves of surrogate pairs, which are no text.</summary>
    private static void CheckTexts(JsonElement value)
    {
        try
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.String:
                    value.GetString();
                    break;
                case JsonValueKind.Array:
                    foreach (JsonElement item in value.EnumerateArray()) CheckTexts(item);
                    break;
                case JsonValueKind.Object:
                    foreach (JsonProperty member in value.EnumerateObject())
                    {
                        _ = member.Name;
                        CheckTexts(member.Value);
                    }

                    break;
            }
        }
        catch (InvalidOperationException)
        {
            throw RequestException.Bad("the request holds a text with half a surrogate pair");
        }
    }
}
