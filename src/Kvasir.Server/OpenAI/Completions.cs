using Kvasir.Generation;
using Kvasir.Server.Engine;
using Kvasir.Server.Requests;

namespace Kvasir.Server.OpenAI;

/// <summary><c>/v1/completions</c>: a text is continued as it is, without a chat template.</summary>
internal sealed class Completions(ServedModels models, ServerOptions options)
{
    private const int MostPrompts = 16;

    public static IReadOnlyList<Field> Fields { get; } =
    [
        new("model", "string", "The model's name, or kvasir", Required: true),
        new("prompt", "string|array", "A text, up to 16 texts, token ids, or lists of token ids", Required: true),
        new("max_tokens", "integer", "The most tokens of a continuation"),
        .. SamplingFields.All,
        new("n", "integer", "Continuations of each prompt, 1 to 8"),
        new("logprobs", "integer", "0 to 20: tell each token's probability, and of so many others"),
        new("stream", "boolean", "Server-sent events"),
        new("stream_options", "object", "include_usage"),
        new("user", "string", "Not read"),
    ];

    private static readonly Field[] StreamOptions = [new("include_usage", "boolean", "A last piece with the usage")];

    public async Task HandleAsync(HttpContext context)
    {
        var fields = new RequestReader(await RequestBody.ReadAsync(context).ConfigureAwait(false), Fields);
        models.CheckModel(fields.Text("model")!);
        int count = (int)(fields.Whole("n", 1, options.MostChoices) ?? 1);
        int? top = (int?)fields.Whole("logprobs", 0, GenerationOptions.MostLogprobs);
        bool usage = fields.Object("stream_options", StreamOptions)?.Flag("include_usage") ?? false;
        GenerationOptions generation = SamplingFields.Read(
            fields, models.Engine, SamplingFields.MaxTokens(fields, models.Engine, "max_tokens")) with
        { TopLogprobs = top };
        var streams = new List<GenerationStream>();
        try
        {
            foreach (int[] prompt in Prompts(fields))
                streams.AddRange(models.Engine.StartAll(prompt, [.. Enumerable.Range(0, count).Select(i => Seeded(generation, i))],
                    cancellation: context.RequestAborted));
        }
        catch
        {
            streams.ForEach(stream => stream.Cancel());
            throw;
        }

        if (fields.Flag("stream") == true)
            await StreamAsync(context, streams, top is not null, usage ? count : null).ConfigureAwait(false);
        else await WriteAsync(context, streams, top is not null, count).ConfigureAwait(false);
    }

    private static GenerationOptions Seeded(GenerationOptions options, int index) => options.Sampler.Seed is { } seed
        ? options with { Sampler = options.Sampler with { Seed = unchecked(seed + (ulong)index) } } : options;

    private IReadOnlyList<int[]> Prompts(RequestReader fields)
    {
        JsonElement prompt = fields.Get("prompt")!.Value;
        if (prompt.ValueKind == JsonValueKind.Array && prompt.GetArrayLength() == 0)
            throw fields.Wrong("prompt", "give at least one text or token id");
        if (prompt.ValueKind != JsonValueKind.Array || prompt[0].ValueKind == JsonValueKind.String)
            return [.. fields.Texts("prompt", MostPrompts)!.Select(text => models.Engine.Tokenizer.Encode(text, addSpecial: true))];
        if (prompt[0].ValueKind != JsonValueKind.Array) return [Ids(prompt)];
        return prompt.GetArrayLength() <= MostPrompts ? [.. prompt.EnumerateArray().Select(Ids)]
            : throw fields.Wrong("prompt", $"give at most {MostPrompts} prompts");

        int[] Ids(JsonElement list) => list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(id =>
            id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int value) && value >= 0 && value < models.Model.Config.Vocabulary
                ? value
            : throw fields.Wrong("prompt", $"give texts, or token ids from 0 to {models.Model.Config.Vocabulary - 1}"))]
            : throw fields.Wrong("prompt", "give texts, or lists of token ids");
    }

    private async Task WriteAsync(HttpContext context, List<GenerationStream> streams, bool logprobs, int count)
    {
        GenerationResult[] results = await Task.WhenAll(streams.Select(stream => stream.CompleteAsync(context.RequestAborted)))
            .ConfigureAwait(false);
        context.RequestAborted.ThrowIfCancellationRequested();
        await Answers.WriteAsync(context, Answer(Replies.NewId("cmpl"), [.. results.Select((result, i) =>
            Choice(i, result.Text, Replies.FlatLogprobs(result.Logprobs, models.Engine.Tokenizer, logprobs),
                Replies.FinishReason(result.FinishReason)))],
            Replies.Usage(results, count))).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext context, List<GenerationStream> streams, bool logprobs, int? usageOf)
    {
        string id = Replies.NewId("cmpl");
        using var turn = new SemaphoreSlim(1);
        Answers.BeginStream(context, "text/event-stream");
        await Answers.StreamAsync(context, value => Answers.WriteEventAsync(context, value), async write =>
        {
            await Task.WhenAll(streams.Select(async (stream, i) =>
            {
                await foreach (GeneratedText piece in stream.WithCancellation(context.RequestAborted).ConfigureAwait(false))
                    await WriteInTurnAsync(
                        Choice(i, piece.Text, Replies.FlatLogprobs(piece.Logprobs, models.Engine.Tokenizer, logprobs), null))
                            .ConfigureAwait(false);
                context.RequestAborted.ThrowIfCancellationRequested();
                await WriteInTurnAsync(Choice(i, "", null, Replies.FinishReason(stream.Result!.FinishReason))).ConfigureAwait(false);
            })).ConfigureAwait(false);
            if (usageOf is int count)
                await write(Answer(id, [], Replies.Usage(streams.Select(stream => stream.Result!), count))).ConfigureAwait(false);
            await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted).ConfigureAwait(false);

            async Task WriteInTurnAsync(object choice)
            {
                await turn.WaitAsync(context.RequestAborted).ConfigureAwait(false);
                try
                {
                    await write(Answer(id, [choice], null)).ConfigureAwait(false);
                }
                finally
                {
                    turn.Release();
                }
            }
        }).ConfigureAwait(false);
    }

    private static object Choice(int index, string text, object? logprobs, string? finish) =>
        new { Index = index, Text = text, Logprobs = logprobs, FinishReason = finish };

    private object Answer(string id, object[] choices, object? usage) =>
        new { Id = id, Object = "text_completion", Created = Replies.Now, Model = models.Name, Choices = choices, Usage = usage };
}
