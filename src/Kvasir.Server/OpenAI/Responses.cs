using Kvasir.Generation.Chat;
using Kvasir.Server.Engine;
using Kvasir.Server.Requests;

namespace Kvasir.Server.OpenAI;

/// <summary><c>/v1/responses</c>, without memory: every request brings its whole conversation.</summary>
internal sealed class Responses(ServedModels models)
{
    public static IReadOnlyList<Field> Fields { get; } =
    [
        new("model", "string", "The model's name, or kvasir", Required: true),
        new("input", "string|array", "A text, or messages, function calls and their outputs", Required: true),
        new("instructions", "string", "A system message before the input"),
        new("max_output_tokens", "integer", "The most tokens of the reply"),
        .. SamplingFields.All,
        new("text", "object", "format: text, json_object or json_schema"),
        new("tools", "array", "Functions"),
        new("tool_choice", "string|object", "none, auto, required or a function"),
        new("parallel_tool_calls", "boolean", "true"),
        new("stream", "boolean", "Server-sent events"),
        new("store", "boolean", "false: nothing is stored"),
        new("truncation", "string", "disabled"),
        new("user", "string", "Not read"),
        new("metadata", "object", "Not read"),
        new("previous_response_id", "string", "Refused: nothing is stored; send the whole conversation"),
    ];

    private static readonly Field[] Text = [new("format", "object", "The format")];

    private static readonly Field[] Format =
    [
        new("type", "string", "text, json_object or json_schema", true), new("name", "string", "Not read"),
            new("description", "string", "Not read"),
        new("schema", "object", "The schema"), new("strict", "boolean", "It is kept either way"),
    ];

    private static readonly Field[] Tool =
    [
        new("type", "string", "function", true), new("name", "string", "Letters, digits, _ and -", true),
            new("description", "string", "What it does"),
        new("parameters", "object", "A JSON schema"), new("strict", "boolean", "Not read"),
    ];

    private static readonly Field[] Choice = [new("type", "string", "function", true), new("name", "string", "Its name", true)];

    public async Task HandleAsync(HttpContext context)
    {
        var fields = new RequestReader(await RequestBody.ReadAsync(context).ConfigureAwait(false), Fields);
        models.CheckModel(fields.Text("model")!);
        if (fields.Get("previous_response_id") is not null)
            throw fields.Wrong("previous_response_id", "responses are not stored; send the whole conversation as input");
        if (fields.Flag("store") == true) throw fields.Wrong("store", "nothing is stored here; give false, or leave it out");
        if (fields.Flag("parallel_tool_calls") == false) throw fields.Wrong("parallel_tool_calls", "false is not supported");
        fields.Word("truncation", "disabled");
        ToolChoice? choice = ToolReader.Choice(fields, Choice);
        ToolDefinition[] tools = [.. fields.List("tools", 128)
            .Select((tool, i) => Definition(new RequestReader(tool, Tool, $"tools[{i}]")))];
        var pictures = new RequestPictures(models);
        var request = new ChatRequest
        {
            Messages = new ResponseInput(fields, pictures).Read(),
            Embeddings = pictures.Embeddings,
            Options = SamplingFields.Read(fields, models.Engine, SamplingFields.MaxTokens(fields, models.Engine, "max_output_tokens")),
            Tools = choice is null ? [] : tools,
            Choice = choice ?? ToolChoice.Auto,
            Schema = fields.Object("text", Text)?.Object("format", Format) is { } format ? ToolReader.FlatSchema(format) : null,
        };
        bool stream = fields.Flag("stream") ?? false;
        ChatStream reply = request.Start(models.Engine, context.RequestAborted)[0];
        if (stream) await StreamAsync(context, reply).ConfigureAwait(false);
        else await WriteAsync(context, reply).ConfigureAwait(false);
    }

    private static ToolDefinition Definition(RequestReader tool)
    {
        tool.Word("type", "function");
        return ToolReader.Definition(tool);
    }

    private async Task WriteAsync(HttpContext context, ChatStream reply)
    {
        var body = new ResponseBody(models.Name);
        await foreach (ChatDelta delta in reply.WithCancellation(context.RequestAborted).ConfigureAwait(false)) body.Add(delta);
        context.RequestAborted.ThrowIfCancellationRequested();
        await Answers.WriteAsync(context, body.Finished(reply.Result!)).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext context, ChatStream reply)
    {
        var body = new ResponseBody(models.Name);
        Answers.BeginStream(context, "text/event-stream");
        try
        {
            await WriteAsync(body.Begin()).ConfigureAwait(false);
            await foreach (ChatDelta delta in reply.WithCancellation(context.RequestAborted).ConfigureAwait(false))
                await WriteAsync(body.Add(delta)).ConfigureAwait(false);
            context.RequestAborted.ThrowIfCancellationRequested();
            await WriteAsync(body.End(reply.Result!)).ConfigureAwait(false);
        }
        catch (Exception failure) when (context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            await Answers.WriteEventAsync(context, new { Type = "error", failure.Message, Code = "server_error" }, "error")
                .ConfigureAwait(false);
        }

        async Task WriteAsync(IEnumerable<(string Type, object Value)> events)
        {
            foreach ((string type, object value) in events) await Answers.WriteEventAsync(context, value, type).ConfigureAwait(false);
        }
    }
}
