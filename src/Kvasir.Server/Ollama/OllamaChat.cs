using Kvasir.Generation;
using Kvasir.Generation.Chat;
using Kvasir.Server.Engine;
using Kvasir.Server.OpenAI;
using Kvasir.Server.Requests;
using Kvasir.Tokenization;

namespace Kvasir.Server.Ollama;

/// <summary><c>/api/chat</c> and <c>/api/generate</c>.</summary>
internal sealed class OllamaChat(ServedModels models)
{
    private const int MostMessages = 2048, MostTools = 128;

    /// <summary>What OllamaSharp puts into every request.</summary>
    public static Field ClientsOwn { get; } = new("CustomHeaders", "object", "Not read: a client's own");

    public static IReadOnlyList<Field> ChatFields { get; } =
    [
        new("model", "string", "The model's name, or kvasir", Required: true),
        new("messages", "array", "The conversation: role, content, tool_calls, tool_name"),
        new("tools", "array", "Functions that the model may call, by its own chat template"),
        new("format", "string|object", "json, or a JSON schema; the reply always keeps to it"),
        new("options", "object", string.Join(", ", OllamaOptions.Fields.Select(field => field.Name))),
        new("stream", "boolean", "A line for each piece; default true"),
        new("think", "boolean", "false"),
        new("keep_alive", "string|number", "Not read: the model stays loaded"),
        ClientsOwn,
    ];

    public static IReadOnlyList<Field> GenerateFields { get; } =
    [
        new("model", "string", "The model's name, or kvasir", Required: true),
        new("prompt", "string", "What the user says"),
        new("system", "string", "A system message before it"),
        new("images", "array", "Pictures in base64, before the prompt"),
        new("raw", "boolean", "true continues the prompt as it is, without the chat template"),
        .. ChatFields.Where(field => field.Name is "format" or "options" or "stream" or "think" or "keep_alive"),
        ClientsOwn,
    ];

    private static readonly Field[] Message =
    [
        new("role", "string", "system, user, assistant or tool", true), new("content", "string", "The text"),
        new("images", "array", "Pictures in base64, before the text"), new("tool_calls", "array", "Calls that an assistant has made"),
        new("tool_name", "string", "The tool that a tool's message is from"),
        new("thinking", "string", "Not read"),
    ];

    private static readonly Field[] Tool = [new("type", "string", "function", true), new("function", "object", "The function", true)];

    private static readonly Field[] Function =
    [
        new("name", "string", "Its name", true), new("description", "string", "What it does"), new("parameters", "object", "A JSON schema"),
    ];

    private static readonly Field[] Call =
    [
        new("function", "object", "The call", true), new("id", "string", "Its id"), new("type", "string", "function"),
    ];

    private static readonly Field[] Called =
    [
        new("name", "string", "The function", true), new("arguments", "object|string", "Its arguments", true),
        new("description", "string", "Not read"), new("index", "integer", "Not read"),
    ];

    public async Task ChatAsync(HttpContext context)
    {
        RequestReader fields = await BeginAsync(context, ChatFields).ConfigureAwait(false);
        IReadOnlyList<JsonElement> messages = fields.List("messages", MostMessages);
        if (messages.Count == 0)
        {
            await Answers.WriteAsync(context, Line(new { Role = "assistant", Content = "" }, null, "load", null)).ConfigureAwait(false);
            return;
        }

        var pictures = new RequestPictures(models);
        var request = new ChatRequest
        {
            Messages = [.. messages.Select((message, i) => Read(new RequestReader(message, Message, $"messages[{i}]"), pictures))],
            Embeddings = pictures.Embeddings,
            Options = OllamaOptions.Read(fields, models),
            Schema = OllamaOptions.Schema(fields),
            Tools = [.. fields.List("tools", MostTools).Select((tool, i) =>
                ToolReader.Definition(new RequestReader(tool, Tool, $"tools[{i}]").Object("function", Function)!))],
        };
        await WriteAsync(context, fields.Flag("stream") ?? true, request.Start(models.Engine, context.RequestAborted)[0], isChat: true)
            .ConfigureAwait(false);
    }

    public async Task GenerateAsync(HttpContext context)
    {
        RequestReader fields = await BeginAsync(context, GenerateFields).ConfigureAwait(false);
        string prompt = fields.Text("prompt") ?? "";
        if (prompt.Length == 0)
        {
            await Answers.WriteAsync(context, Line(null, "", "load", null)).ConfigureAwait(false);
            return;
        }

        GenerationOptions options = OllamaOptions.Read(fields, models);
        JsonElement? schema = OllamaOptions.Schema(fields);
        bool stream = fields.Flag("stream") ?? true;
        if (fields.Flag("raw") == true)
        {
            if (schema is not null) throw fields.Wrong("format", "is not supported together with raw");
            if (fields.Get("images") is not null) throw fields.Wrong("images", "is not supported together with raw");
            int[] ids = models.Engine.Tokenizer.Encode(prompt, addSpecial: true);
            var raw = new ChatStream(models.Engine.Start(ids, options, context.RequestAborted), null);
            await WriteAsync(context, stream, raw, isChat: false).ConfigureAwait(false);
            return;
        }

        var pictures = new RequestPictures(models);
        ChatMessage user = new("user", Shown(fields, pictures) + prompt);
        var request = new ChatRequest
        {
            Messages = fields.Text("system") is { Length: > 0 } system ? [new ChatMessage("system", system), user] : [user],
            Embeddings = pictures.Embeddings,
            Options = options,
            Schema = schema,
        };
        await WriteAsync(context, stream, request.Start(models.Engine, context.RequestAborted)[0], isChat: false).ConfigureAwait(false);
    }

    private async Task<RequestReader> BeginAsync(HttpContext context, IReadOnlyList<Field> fields)
    {
        var reader = new RequestReader(await RequestBody.ReadAsync(context).ConfigureAwait(false), fields);
        models.CheckModel(reader.Text("model")!);
        return reader.Flag("think") == true ? throw reader.Wrong("think", "is not supported") : reader;
    }

    private static ChatMessage Read(RequestReader message, RequestPictures pictures)
    {
        IReadOnlyList<JsonElement> calls = message.List("tool_calls", MostTools);
        var fields = new Dictionary<string, object?>();
        if (message.Text("tool_name") is { } tool) fields["name"] = tool;
        if (calls.Count > 0)
            fields["tool_calls"] = calls.Select((call, i) =>
            {
                RequestReader function = new RequestReader(call, Call, $"tool_calls[{i}]").Object("function", Called)!;
                return new Dictionary<string, object?>
                {
                    ["type"] = "function",
                    ["id"] = ToolCall.New("", "").Id,
                    ["function"] = new Dictionary<string, object?>
                    {
                        ["name"] = function.Text("name"),
                        ["arguments"] = MessageReader.Arguments(function)
                    },
                };
            }).ToArray();
        string role = message.Word("role", "system", "user", "assistant", "tool")!;
        return new ChatMessage(role, Shown(message, pictures) + message.Text("content"))
        {
            Fields = fields.Count == 0 ? null : fields,
        };
    }

    /// <summary>The texts that stand for a message's pictures.</summary>
    private static string Shown(RequestReader message, RequestPictures pictures) => string.Concat(
        (message.Texts("images", RequestPictures.Most) ?? []).Select(base64 => pictures.Show(message, "images", base64)));

    private async Task WriteAsync(HttpContext context, bool stream, ChatStream reply, bool isChat)
    {
        var text = new StringBuilder();
        var calls = new List<object>();
        if (stream) Answers.BeginStream(context, "application/x-ndjson");
        await Answers.StreamAsync(context, value => Answers.WriteLineAsync(context, value), async write =>
        {
            await foreach (ChatDelta delta in reply.WithCancellation(context.RequestAborted).ConfigureAwait(false))
            {
                text.Append(delta.Text);
                if (delta.Call is { } call) calls.Add(CallOf(call));
                if (stream) await write(Piece(delta.Text, delta.Call is null ? null : [CallOf(delta.Call)], null)).ConfigureAwait(false);
            }

            context.RequestAborted.ThrowIfCancellationRequested();
            if (stream) await write(Piece("", null, reply.Result)).ConfigureAwait(false);
        }).ConfigureAwait(false);
        if (!stream) await Answers.WriteAsync(context, Piece(text.ToString(), calls.Count > 0 ? calls : null, reply.Result))
            .ConfigureAwait(false);

        object Piece(string content, IReadOnlyList<object>? called, GenerationResult? result)
        {
            string? reason = result is null ? null : Replies.FinishReason(result.FinishReason);
            return isChat ? Line(new { Role = "assistant", Content = content, ToolCalls = called }, null, reason, result)
                : Line(null, content, reason, result);
        }
    }

    private static object CallOf(ToolCall call) =>
        new { Function = new { call.Name, Arguments = JsonSerializer.Deserialize<JsonElement>(call.Arguments) } };

    private object Line(object? message, string? response, string? reason, GenerationResult? result) => new
    {
        Model = models.Name,
        CreatedAt = DateTimeOffset.UtcNow,
        Message = message,
        Response = response,
        Done = reason is not null,
        DoneReason = reason,
        TotalDuration = Nanoseconds(result?.TotalTime),
        LoadDuration = result is null ? (long?)null : 0,
        PromptEvalCount = result?.PromptTokens,
        PromptEvalDuration = Nanoseconds(result?.TimeToFirstToken),
        EvalCount = result?.Ids.Count,
        EvalDuration = Nanoseconds(result?.TotalTime - result?.TimeToFirstToken),
    };

    public static long? Nanoseconds(TimeSpan? time) => time is { } span ? span.Ticks * 100 : null;
}
