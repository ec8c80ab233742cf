using Kvasir.Documents.Asking;
using Kvasir.Generation;
using Kvasir.Server.Collections;
using Kvasir.Server.Engine;
using Kvasir.Server.Requests;

namespace Kvasir.Server.OpenAI;

/// <summary>
/// Chat with a collection: the last message is a question, which is answered from stored passages with their KV; the passages come with the
/// answer as annotations.
/// </summary>
internal sealed class DocumentAnswers(DocumentCollections collections, EngineLoop engine)
{
    public const string Prefix = "kvasir/docs:";

    private static readonly string[] Used =
        ["model", "messages", "max_completion_tokens", "max_tokens", "temperature", "top_p", "seed", "stop", "stream", "stream_options",
            "user", "metadata", "store"];

    /// <summary>The collection that a model's name means; null for a model.</summary>
    public static string? CollectionOf(string model) => model.StartsWith(Prefix, StringComparison.Ordinal) ? model[Prefix.Length..] : null;

    public async Task ChatAsync(HttpContext context, RequestReader fields, string name, bool stream, bool includeUsage)
    {
        foreach (Field field in ChatCompletions.Fields)
            if (!Used.Contains(field.Name) && fields.Get(field.Name) is not null)
                throw fields.Wrong(field.Name, "is not supported with documents");
        AskOptions options = Options(fields);
        string question = MessageReader.Read(fields, pictures: null).LastOrDefault(message => message.Role == "user")?.Content
            ?? throw fields.Wrong("messages", "give a message of the user, the question");
        DocumentCollection collection = collections.Get(name);
        (Answer answer, IAsyncEnumerable<string> pieces) = await collection.AskAsync(
            question, options, engine, context.RequestAborted).ConfigureAwait(false);
        if (stream) await StreamAsync(context, answer, pieces, name, includeUsage).ConfigureAwait(false);
        else await WriteAsync(context, answer, pieces, name).ConfigureAwait(false);
    }

    private static AskOptions Options(RequestReader fields) => new()
    {
        MaxTokens = (int)(fields.Whole("max_completion_tokens", 1, int.MaxValue) ?? fields.Whole("max_tokens", 1, int.MaxValue) ?? 256),
        Stop = SamplingFields.Stops(fields, "stop"),
        Sampler = new SamplerOptions
        {
            Temperature = (float)(fields.Number("temperature", 0, 2) ?? 0),
            TopP = SamplingFields.TopP(fields),
            Seed = (ulong?)fields.Whole("seed", long.MinValue, long.MaxValue),
        },
    };

    private static async Task WriteAsync(HttpContext context, Answer answer, IAsyncEnumerable<string> pieces, string name)
    {
        await foreach (string _ in pieces.ConfigureAwait(false))
        {
        }

        string text = answer.Text;
        await Answers.WriteAsync(context, new
        {
            Id = Replies.NewId("chatcmpl"),
            Object = "chat.completion",
            Created = Replies.Now,
            Model = Prefix + name,
            Choices = new[]
            {
                new
                {
                    Index = 0,
                    Message = new { Role = "assistant", Content = text, Annotations = Annotations(answer, name, text.Length) },
                    FinishReason = FinishReason(answer),
                },
            },
            Usage = Usage(answer),
            Kvasir = Figures(answer, name),
        }).ConfigureAwait(false);
    }

    private static async Task StreamAsync(
        HttpContext context, Answer answer, IAsyncEnumerable<string> pieces, string name, bool includeUsage)
    {
        string id = Replies.NewId("chatcmpl");
        long created = Replies.Now;
        Answers.BeginStream(context, "text/event-stream");
        await Answers.StreamAsync(context, value => Answers.WriteEventAsync(context, value), async write =>
        {
            await write(Chunk(new { Role = "assistant", Content = "" }, null, Figures(answer, name))).ConfigureAwait(false);
            await foreach (string piece in pieces.ConfigureAwait(false))
                await write(Chunk(new { Content = piece }, null, null)).ConfigureAwait(false);
            object end = new { Annotations = Annotations(answer, name, answer.Text.Length) };
            await write(Chunk(end, FinishReason(answer), Figures(answer, name))).ConfigureAwait(false);
            if (includeUsage)
                await write(new
                {
                    Id = id,
                    Object = "chat.completion.chunk",
                    Created = created,
                    Model = Prefix + name,
                    Choices = Array.Empty<object>(),
                    Usage = Usage(answer)
                }).ConfigureAwait(false);
            await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted).ConfigureAwait(false);
        }).ConfigureAwait(false);

        object Chunk(object delta, string? finish, object? figures) => new
        {
            Id = id,
            Object = "chat.completion.chunk",
            Created = created,
            Model = Prefix + name,
            Choices = new[] { new { Index = 0, Delta = delta, FinishReason = finish } },
            Kvasir = figures,
        };
    }

    private static object[] Annotations(Answer answer, string name, int length) =>
        [.. answer.Sources.Select(source => Citation.Annotation(name, source, length))];

    private static string FinishReason(Answer answer) => answer.FinishReason is "length" or "context" ? "length" : "stop";

    private static object Usage(Answer answer) => Replies.Usage(
        answer.ReusedTokens + answer.RecomputedTokens + answer.QuestionTokens, answer.ReusedTokens, answer.GeneratedTokens);

    /// <summary>What OpenAI's form has no place for.</summary>
    private static object Figures(Answer answer, string name) => new
    {
        Doubtful = answer.IsDoubtful,
        answer.ReusedTokens,
        answer.RecomputedTokens,
        answer.RepairedTokens,
        answer.KvBytesLoaded,
        TtftMs = answer.TimeToFirstToken.TotalMilliseconds,
        Passages = answer.Sources.Select(source => Citation.Passage(name, source)),
    };
}
