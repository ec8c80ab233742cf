using Kvasir.Server.Engine;
using Kvasir.Server.Requests;
using Kvasir.Tokenization;

namespace Kvasir.Server.OpenAI;

/// <summary>The items of a responses request as messages.</summary>
internal sealed class ResponseInput(RequestReader request, RequestPictures pictures)
{
    private const int MostItems = 2048;

    private static readonly Field[] Message =
    [
        new("type", "string", "message"), new("role", "string", "system, developer, user or assistant", true),
        new("content", "string|array", "A text, or parts input_text, output_text or input_image", true), new("id", "string", "Not read"),
        new("status", "string", "Not read"),
    ];

    private static readonly ContentForm s_content = new(["input_text", "output_text"], "input_image",
    [
        new("type", "string", "input_text or output_text", true), new("text", "string", "The text", true),
        new("annotations", "array", "Not read"), new("logprobs", "array", "Not read"),
    ]);

    private static readonly Field[] Call =
    [
        new("type", "string", "function_call", true), new("call_id", "string", "Its id", true), new("name", "string", "The function", true),
        new("arguments", "string", "JSON", true), new("id", "string", "Not read"), new("status", "string", "Not read"),
    ];

    private static readonly Field[] Output =
    [
        new("type", "string", "function_call_output", true), new("call_id", "string", "The call", true),
        new("output", "string", "What it gave", true), new("id", "string", "Not read"), new("status", "string", "Not read"),
    ];

    public IReadOnlyList<ChatMessage> Read()
    {
        var messages = new List<ChatMessage>();
        if (request.Text("instructions") is { Length: > 0 } instructions) messages.Add(new ChatMessage("system", instructions));
        if (request.Get("input") is { ValueKind: JsonValueKind.Array })
            messages.AddRange(request.List("input", MostItems).Select(Item));
        else messages.Add(new ChatMessage("user", request.Text("input")!));
        return messages.Count > 0 ? messages : throw request.Wrong("input", "give at least one message");
    }

    private ChatMessage Item(JsonElement item, int index)
    {
        string path = $"input[{index}]";
        string type = RequestReader.TypeOf(item) ?? "message";
        switch (type)
        {
            case "function_call":
                var call = new RequestReader(item, Call, path);
                return new ChatMessage("assistant", "")
                {
                    Fields = new Dictionary<string, object?>
                    {
                        ["tool_calls"] = new object[]
                        {
                            new Dictionary<string, object?>
                            {
                                ["id"] = call.Text("call_id"),
                                ["type"] = "function",
                                ["function"] = new Dictionary<string, object?>
                                {
                                    ["name"] = call.Text("name"),
                                    ["arguments"] = MessageReader.Arguments(call),
                                },
                            },
                        },
                    },
                };
            case "function_call_output":
                var output = new RequestReader(item, Output, path);
                return new ChatMessage("tool", output.Text("output")!)
                {
                    Fields = new Dictionary<string, object?> { ["tool_call_id"] = output.Text("call_id") },
                };
            case "message":
                var message = new RequestReader(item, Message, path);
                string role = message.Word("role", "system", "developer", "user", "assistant")!;
                return new ChatMessage(role == "developer" ? "system" : role,
                    MessageReader.Content(message, s_content, pictures));
            default:
                throw RequestException.Bad($"{path}: items of the type {type} are not supported", path);
        }
    }
}
