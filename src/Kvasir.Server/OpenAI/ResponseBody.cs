using Kvasir.Generation;
using Kvasir.Generation.Chat;

namespace Kvasir.Server.OpenAI;

/// <summary>A response as it grows: the events of a stream, and the whole of it at the end.</summary>
internal sealed class ResponseBody(string model)
{
    private readonly string _id = "resp_" + Guid.NewGuid().ToString("N");
    private readonly string _messageId = "msg_" + Guid.NewGuid().ToString("N");
    private readonly long _created = Replies.Now;
    private readonly StringBuilder _text = new();
    private readonly List<object> _items = [];
    private int _sequence;
    private bool _messageOpen;

    public IEnumerable<(string, object)> Begin()
    {
        yield return Event("response.created", new { Response = Whole("in_progress", null) });
        yield return Event("response.in_progress", new { Response = Whole("in_progress", null) });
    }

    public IReadOnlyList<(string, object)> Add(ChatDelta delta) => [.. delta.Call is { } call ? Call(call) : Text(delta.Text)];

    public IReadOnlyList<(string, object)> End(GenerationResult result)
    {
        List<(string, object)> events = [.. CloseMessage()];
        bool whole = IsWhole(result);
        events.Add(Event(whole ? "response.completed" : "response.incomplete",
            new { Response = Whole(whole ? "completed" : "incomplete", result) }));
        return events;
    }

    public object Finished(GenerationResult result)
    {
        CloseMessage();
        return Whole(IsWhole(result) ? "completed" : "incomplete", result);
    }

    private static bool IsWhole(GenerationResult result) => result.FinishReason is FinishReason.Stop or FinishReason.Repetition;

    private List<(string, object)> Text(string text)
    {
        var events = new List<(string, object)>();
        if (text.Length == 0) return events;
        if (!_messageOpen)
        {
            _messageOpen = true;
            events.Add(Event("response.output_item.added", new { OutputIndex = _items.Count, Item = Message("in_progress", []) }));
            events.Add(Event("response.content_part.added", new
            {
                ItemId = _messageId,
                OutputIndex = _items.Count,
                ContentIndex = 0,
                Part = Part("")
            }));
        }

        _text.Append(text);
        events.Add(Event("response.output_text.delta",
            new { ItemId = _messageId, OutputIndex = _items.Count, ContentIndex = 0, Delta = text, Logprobs = Array.Empty<object>() }));
        return events;
    }

    private List<(string, object)> Call(ToolCall call)
    {
        List<(string, object)> events = CloseMessage();
        string id = "fc_" + Guid.NewGuid().ToString("N");
        int index = _items.Count;
        events.Add(Event("response.output_item.added", new { OutputIndex = index, Item = Item("in_progress", "") }));
        events.Add(Event("response.function_call_arguments.delta", new { ItemId = id, OutputIndex = index, Delta = call.Arguments }));
        events.Add(Event("response.function_call_arguments.done", new { ItemId = id, OutputIndex = index, call.Name, call.Arguments }));
        events.Add(Event("response.output_item.done", new { OutputIndex = index, Item = Item("completed", call.Arguments) }));
        _items.Add(Item("completed", call.Arguments));
        return events;

        object Item(string status, string arguments) =>
            new { Type = "function_call", Id = id, CallId = call.Id, call.Name, Arguments = arguments, Status = status };
    }

    private List<(string, object)> CloseMessage()
    {
        var events = new List<(string, object)>();
        if (!_messageOpen) return events;
        _messageOpen = false;
        string text = _text.ToString();
        int index = _items.Count;
        object message = Message("completed", [Part(text)]);
        events.Add(Event("response.output_text.done",
            new { ItemId = _messageId, OutputIndex = index, ContentIndex = 0, Text = text, Logprobs = Array.Empty<object>() }));
        events.Add(Event("response.content_part.done", new
        {
            ItemId = _messageId,
            OutputIndex = index,
            ContentIndex = 0,
            Part = Part(text)
        }));
        events.Add(Event("response.output_item.done", new { OutputIndex = index, Item = message }));
        _items.Add(message);
        return events;
    }

    private object Message(string status, object[] content) =>
        new { Type = "message", Id = _messageId, Role = "assistant", Status = status, Content = content };

    private static object Part(string text) =>
        new { Type = "output_text", Text = text, Annotations = Array.Empty<object>(), Logprobs = Array.Empty<object>() };

    private object Whole(string status, GenerationResult? result) => new
    {
        Id = _id,
        Object = "response",
        CreatedAt = _created,
        Status = status,
        Model = model,
        Output = _items.ToArray(),
        ParallelToolCalls = true,
        ToolChoice = "auto",
        Tools = Array.Empty<object>(),
        Store = false,
        IncompleteDetails = status == "incomplete" ? new { Reason = "max_output_tokens" } : null,
        Usage = result is null ? null : new
        {
            InputTokens = result.PromptTokens,
            InputTokensDetails = new { CachedTokens = result.ReusedTokens },
            OutputTokens = result.Ids.Count,
            OutputTokensDetails = new { ReasoningTokens = 0 },
            TotalTokens = result.PromptTokens + result.Ids.Count,
        },
    };

    private (string, object) Event(string type, object value)
    {
        Dictionary<string, JsonElement> members = JsonSerializer.SerializeToElement(value, value.GetType(), Requests.Answers.Json)
            .EnumerateObject().ToDictionary(member => member.Name, member => member.Value);
        members["type"] = JsonSerializer.SerializeToElement(type);
        members["sequence_number"] = JsonSerializer.SerializeToElement(_sequence++);
        return (type, members);
    }
}
