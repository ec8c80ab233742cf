using Kvasir.Server.Engine;
using Kvasir.Server.Requests;
using Kvasir.Tokenization;

namespace Kvasir.Server.OpenAI;

/// <summary>OpenAI's messages as a chat template reads them.</summary>
internal static class MessageReader
{
    private const int MostMessages = 2048, MostParts = 256, MostCalls = 128;

    public static IReadOnlyList<Field> Fields { get; } =
    [
        new("role", "string", "system, developer, user, assistant or tool", Required: true),
        new("content", "string|array", "A text, or parts of the types text and image_url (data: URIs)"),
        new("name", "string", "Given to the template"),
        new("tool_calls", "array", "Calls that an assistant has made"),
        new("tool_call_id", "string", "The call that a tool's message answers"),
        new("annotations", "array", "Of an earlier reply; not read"),
    ];

    private static readonly ContentForm s_content = new(["text"], "image_url",
        [new("type", "string", "text", true), new("text", "string", "The text", true)]);

    private static readonly Field[] PicturePart =
    [
        new("type", "string", "image_url, or input_image in responses", true),
        new("image_url", "string|object", "The picture, as a data: URI", true), new("detail", "string", "Not read"),
    ];

    private static readonly Field[] PictureUri = [new("url", "string", "A data: URI", true), new("detail", "string", "Not read")];

    private static readonly Field[] Call =
    [
        new("id", "string", "Its id", true), new("type", "string", "function"), new("function", "object", "The call", true),
        new("index", "integer", "Not read"),
    ];

    private static readonly Field[] Function = [new("name", "string", "The function", true),
        new("arguments", "string|object", "JSON", true)];

    public static IReadOnlyList<ChatMessage> Read(RequestReader request, RequestPictures? pictures)
    {
        IReadOnlyList<JsonElement> messages = request.List("messages", MostMessages);
        return messages.Count == 0 ? throw request.Wrong("messages", "give at least one message")
            : [.. messages.Select((message, i) => ReadOne(new RequestReader(message, Fields, $"messages[{i}]"), pictures))];
    }

    private static ChatMessage ReadOne(RequestReader message, RequestPictures? pictures)
    {
        string role = message.Word("role", "system", "developer", "user", "assistant", "tool")!;
        var fields = new Dictionary<string, object?>();
        if (message.Text("name") is { } name) fields["name"] = name;
        if (message.Text("tool_call_id") is { } id) fields["tool_call_id"] = id;
        IReadOnlyList<JsonElement> calls = message.List("tool_calls", MostCalls);
        if (calls.Count > 0) fields["tool_calls"] = calls.Select((call, i) => ReadCall(new RequestReader(call, Call, $"tool_calls[{i}]")))
            .ToArray();
        if (message.Get("content") is null && calls.Count == 0) throw message.Wrong("content", "give a text");
        return new ChatMessage(role == "developer" ? "system" : role, Content(message, s_content, pictures))
        {
            Fields = fields.Count == 0 ? null : fields,
        };
    }

    /// <summary>A message's content: a text, or the texts of parts and, where there may be pictures, those that stand for them.</summary>
    public static string Content(RequestReader message, ContentForm form, RequestPictures? pictures)
    {
        const string name = "content";
        if (message.Get(name) is not { ValueKind: JsonValueKind.Array }) return message.Text(name) ?? "";
        return string.Concat(message.List(name, MostParts).Select((part, i) =>
        {
            string path = $"{name}[{i}]";
            string? type = RequestReader.TypeOf(part);
            if (pictures is not null && type == form.PictureType) return Picture(new RequestReader(part, PicturePart, path), pictures);
            return type is null || form.TextTypes.Contains(type) ? new RequestReader(part, form.TextPart, path).Text("text")
                : throw message.Wrong(name, $"parts of the type {type} are not supported; {string.Join(" or ", form.TextTypes)} is");
        }));
    }

    private static string Picture(RequestReader part, RequestPictures pictures) =>
        part.Get("image_url") is { ValueKind: JsonValueKind.Object } && part.Object("image_url", PictureUri) is { } nested
            ? pictures.ShowUri(nested, "url", nested.Text("url")!)
            : pictures.ShowUri(part, "image_url", part.Text("image_url")!);

    /// <summary>With the arguments as an object, which templates write themselves.</summary>
    private static Dictionary<string, object?> ReadCall(RequestReader call)
    {
        RequestReader function = call.Object("function", Function)!;
        return new Dictionary<string, object?>
        {
            ["id"] = call.Text("id"),
            ["type"] = "function",
            ["function"] = new Dictionary<string, object?>
            {
                ["name"] = function.Text("name"),
                ["arguments"] = Arguments(function),
            },
        };
    }

    public static JsonElement Arguments(RequestReader function)
    {
        if (function.Get("arguments") is { ValueKind: JsonValueKind.Object } json) return json;
        try
        {
            using JsonDocument document = JsonDocument.Parse(function.Text("arguments") is { Length: > 0 } text ? text : "{}");
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw function.Wrong("arguments", "give JSON");
        }
    }
}

/// <summary>How a language writes the parts of a message.</summary>
/// <param name="TextTypes">The types of parts that are texts.</param>
/// <param name="PictureType">That of a picture.</param>
/// <param name="TextPart">The fields of a text.</param>
internal sealed record ContentForm(IReadOnlyList<string> TextTypes, string PictureType, IReadOnlyList<Field> TextPart);
