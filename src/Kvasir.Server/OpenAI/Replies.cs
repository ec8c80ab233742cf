using Kvasir.Generation;
using Kvasir.Generation.Chat;
using Kvasir.Tokenization;

namespace Kvasir.Server.OpenAI;

/// <summary>The parts of OpenAI's answers that several endpoints share.</summary>
internal static class Replies
{
    public static string NewId(string kind) => $"{kind}-{Guid.NewGuid():N}";

    public static long Now => DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    public static object Usage(int prompt, int cached, int generated) => new
    {
        PromptTokens = prompt,
        CompletionTokens = generated,
        TotalTokens = prompt + generated,
        PromptTokensDetails = new { CachedTokens = cached },
    };

    /// <summary>Of the replies to one prompt or several, in their order; a prompt with several replies is counted once.</summary>
    public static object Usage(IEnumerable<GenerationResult> results, int repliesOfPrompt)
    {
        GenerationResult[] all = [.. results], first = [.. all.Chunk(repliesOfPrompt).Select(replies => replies[0])];
        return Usage(first.Sum(one => one.PromptTokens), first.Sum(one => one.ReusedTokens), all.Sum(result => result.Ids.Count));
    }

    public static string FinishReason(ChatStream stream) => stream.HasCalls ? "tool_calls" : FinishReason(stream.Result!.FinishReason);

    public static string FinishReason(FinishReason reason) =>
        reason is Generation.FinishReason.Stop or Generation.FinishReason.Repetition ? "stop" : "length";

    public static object Call(ToolCall call, int? index = null) => new
    {
        Index = index,
        call.Id,
        Type = "function",
        Function = new { call.Name, call.Arguments },
    };

    /// <summary>The chat endpoint's form.</summary>
    public static object? Logprobs(IReadOnlyList<TokenLogprobs> tokens, Tokenizer tokenizer, bool wanted) => !wanted ? null : new
    {
        Content = tokens.Select(token => new
        {
            Token = Text(tokenizer, token.Id),
            token.Logprob,
            Bytes = Bytes(tokenizer, token.Id),
            TopLogprobs = token.Top.Select(top => new { Token = Text(tokenizer, top.Id), top.Logprob, Bytes = Bytes(tokenizer, top.Id) }),
        }),
    };

    /// <summary>The completions endpoint's form.</summary>
    public static object? FlatLogprobs(IReadOnlyList<TokenLogprobs> tokens, Tokenizer tokenizer, bool wanted) => !wanted ? null : new
    {
        Tokens = tokens.Select(token => Text(tokenizer, token.Id)),
        TokenLogprobs = tokens.Select(token => token.Logprob),
        TopLogprobs = tokens.Select(token => token.Top.DistinctBy(top => Text(tokenizer, top.Id))
            .ToDictionary(top => Text(tokenizer, top.Id), top => top.Logprob)),
    };

    private static string Text(Tokenizer tokenizer, int id) => Encoding.UTF8.GetString(tokenizer.Bytes(id));

    private static int[] Bytes(Tokenizer tokenizer, int id) => [.. tokenizer.Bytes(id).ToArray().Select(value => (int)value)];
}
