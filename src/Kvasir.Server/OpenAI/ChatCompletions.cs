using Kvasir.Generation;
using Kvasir.Generation.Chat;
using Kvasir.Server.Engine;
using Kvasir.Server.Requests;

namespace Kvasir.Server.OpenAI;

/// <summary><c>/v1/chat/completions</c>.</summary>
internal sealed class ChatCompletions(ServedModels models, DocumentAnswers documents, ServerOptions options)
{
    public static IReadOnlyList<Field> Fields { get; } =
    [
        new("model", "string", "The model's name, kvasir, or kvasir/docs:NAME for answers from a collection of documents", Required: true),
        new("messages", "array", "The conversation", Required: true),
        new("max_completion_tokens", "integer", "The most tokens of a reply"),
        new("max_tokens", "integer", "The same, by its old name"),
        .. SamplingFields.All,
        new("n", "integer", "Replies, 1 to 8"),
        new("logprobs", "boolean", "Tell each token's probability, by the model alone"),
        new("top_logprobs", "integer", "0 to 20: and of so many others"),
        new("response_format", "object", "text, json_object or json_schema; the reply always keeps to it"),
        new("tools", "array", "Functions that the model may call, by its own chat template"),
        new("tool_choice", "string|object", "none, auto, required or a function"),
        new("parallel_tool_calls", "boolean", "false leaves only a reply's first call"),
        new("stream", "boolean", "Server-sent events"),
        new("stream_options", "object", "include_usage"),
        new("user", "string", "Not read"),
        new("metadata", "object", "Not read"),
        new("store", "boolean", "false: nothing is stored"),
        new("service_tier", "string", "auto or default"),
    ];

    private static readonly Field[] StreamOptions = [new("include_usage", "boolean", "A last piece with the usage")];

    public async Task HandleAsync(HttpContext context)
    {
        var fields = new RequestReader(await RequestBody.ReadAsync(context).ConfigureAwait(false), Fields);
        string model = fields.Text("model")!;
        if (fields.Flag("store") == true) throw fields.Wrong("store", "nothing is stored here; leave it out");
        fields.Word("service_tier", "auto", "default");
        bool stream = fields.Flag("stream") ?? false, includeUsage = IncludesUsage(fields, stream);
        if (DocumentAnswers.CollectionOf(model) is { } collection)
        {
            await documents.ChatAsync(context, fields, collection, stream, includeUsage).ConfigureAwait(false);
            return;
        }

        models.CheckModel(model);
        ChatRequest request = Request(fields);
        bool logprobs = request.Options.TopLogprobs is not null, oneCall = fields.Flag("parallel_tool_calls") == false;
        IReadOnlyList<ChatStream> replies = request.Start(models.Engine, context.RequestAborted);
        if (stream) await StreamAsync(context, replies, logprobs, includeUsage, oneCall).ConfigureAwait(false);
        else await WriteAsync(context, replies, logprobs, oneCall).ConfigureAwait(false);
    }

    private static bool IncludesUsage(RequestReader fields, bool stream)
    {
        if (fields.Object("stream_options", StreamOptions) is not { } given) return false;
        return stream ? given.Flag("include_usage") ?? false
            : throw fields.Wrong("stream_options", "is for streams; set stream, or leave it out");
    }

    private ChatRequest Request(RequestReader fields)
    {
        bool logprobs = fields.Flag("logprobs") ?? false;
        long? top = fields.Whole("top_logprobs", 0, GenerationOptions.MostLogprobs);
        if (top is not null && !logprobs) throw fields.Wrong("top_logprobs", "needs logprobs to be true");
        int maxTokens = SamplingFields.MaxTokens(fields, models.Engine, "max_completion_tokens", "max_tokens");
        GenerationOptions generation = SamplingFields.Read(fields, models.Engine, maxTokens);
        ToolChoice? choice = ToolReader.Choice(fields, ToolReader.ChoiceFields);
        IReadOnlyList<ToolDefinition> tools = ToolReader.Tools(fields);
        JsonElement? schema = ToolReader.Schema(fields);
        if (schema is not null && generation.Constraint is not null)
            throw fields.Wrong("grammar", "give this or response_format, not both");
        var pictures = new RequestPictures(models);
        return new ChatRequest
        {
            Messages = MessageReader.Read(fields, pictures),
            Embeddings = pictures.Embeddings,
            Options = generation with { TopLogprobs = logprobs ? (int)(top ?? 0) : null },
            Tools = choice is null ? [] : tools,
            Choice = choice ?? ToolChoice.Auto,
            Schema = schema,
            Count = (int)(fields.Whole("n", 1, options.MostChoices) ?? 1),
        };
    }

    private async Task WriteAsync(HttpContext context, IReadOnlyList<ChatStream> replies, bool logprobs, bool oneCall)
    {
        var texts = replies.Select(_ => new StringBuilder()).ToArray();
        var calls = replies.Select(_ => new List<ToolCall>()).ToArray();
        await Task.WhenAll(replies.Select(async (reply, i) =>
        {
            await foreach (ChatDelta delta in reply.WithCancellation(context.RequestAborted).ConfigureAwait(false))
            {
                texts[i].Append(delta.Text);
                if (delta.Call is { } call && (!oneCall || calls[i].Count == 0)) calls[i].Add(call);
            }
        })).ConfigureAwait(false);
        context.RequestAborted.ThrowIfCancellationRequested();
        await Answers.WriteAsync(context, new
        {
            Id = Replies.NewId("chatcmpl"),
            Object = "chat.completion",
            Created = Replies.Now,
            Model = models.Name,
            Choices = replies.Select((reply, i) => new
            {
                Index = i,
                Message = new
                {
                    Role = "assistant",
                    Content = calls[i].Count > 0 && texts[i].Length == 0 ? null : texts[i].ToString(),
                    ToolCalls = calls[i].Count == 0 ? null : calls[i].Select(call => Replies.Call(call)),
                },
                Logprobs = Replies.Logprobs(reply.Result!.Logprobs, models.Engine.Tokenizer, logprobs),
                FinishReason = Replies.FinishReason(reply),
            }),
            Usage = Replies.Usage(replies.Select(reply => reply.Result!), replies.Count),
        }).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext context, IReadOnlyList<ChatStream> replies, bool logprobs, bool includeUsage, bool oneCall)
    {
        string id = Replies.NewId("chatcmpl");
        long created = Replies.Now;
        using var turn = new SemaphoreSlim(1);
        Answers.BeginStream(context, "text/event-stream");
        await Answers.StreamAsync(context, value => Answers.WriteEventAsync(context, value), async write =>
        {
            await Task.WhenAll(replies.Select((reply, i) => ReplyAsync(reply, i))).ConfigureAwait(false);
            if (includeUsage)
                await write(Chunk([], Replies.Usage(replies.Select(reply => reply.Result!), replies.Count))).ConfigureAwait(false);
            await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted).ConfigureAwait(false);

            async Task ReplyAsync(ChatStream reply, int index)
            {
                int calls = 0;
                await WriteChoiceAsync(index, new { Role = "assistant", Content = "" }).ConfigureAwait(false);
                await foreach (ChatDelta delta in reply.WithCancellation(context.RequestAborted).ConfigureAwait(false))
                {
                    if (delta.Call is null)
                        await WriteChoiceAsync(index, new { Content = delta.Text }, delta.Logprobs).ConfigureAwait(false);
                    else if (!oneCall || calls == 0)
                        await WriteChoiceAsync(index, new { ToolCalls = new[] { Replies.Call(delta.Call, calls++) } })
                            .ConfigureAwait(false);
                }

                context.RequestAborted.ThrowIfCancellationRequested();
                await WriteChoiceAsync(index, new { }, null, Replies.FinishReason(reply)).ConfigureAwait(false);
            }

            async Task WriteChoiceAsync(int index, object delta, IReadOnlyList<TokenLogprobs>? tokens = null, string? finish = null)
            {
                object choice = new
                {
                    Index = index,
                    Delta = delta,
                    Logprobs = tokens is null ? null : Replies.Logprobs(tokens, models.Engine.Tokenizer, logprobs),
                    FinishReason = finish,
                };
                await turn.WaitAsync(context.RequestAborted).ConfigureAwait(false);
                try
                {
                    await write(Chunk([choice], null)).ConfigureAwait(false);
                }
                finally
                {
                    turn.Release();
                }
            }
        }).ConfigureAwait(false);

        object Chunk(object[] choices, object? usage) => new
        {
            Id = id,
            Object = "chat.completion.chunk",
            Created = created,
            Model = models.Name,
            Choices = choices,
            Usage = usage,
        };
    }
}
