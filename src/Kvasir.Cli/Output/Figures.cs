namespace Kvasir.Cli.Output;

/// <summary>The figures of a generation, as JSON and as a line for a person.</summary>
internal static class Figures
{
    public static object Of(GenerationResult result) => new
    {
        result.Text,
        result.Ids,
        result.PromptTokens,
        result.ReusedTokens,
        TtftMs = Units.Rounded(result.TimeToFirstToken.TotalMilliseconds),
        TotalMs = Units.Rounded(result.TotalTime.TotalMilliseconds),
        TokensPerSecond = Units.Rounded(result.TokensPerSecond),
        result.AcceptedDraftTokens,
        result.KvBytes,
        result.FinishReason,
    };

    public static string Line(GenerationResult result) =>
        $"{Units.Count(result.PromptTokens, "prompt token")} ({result.ReusedTokens} reused), first token after "
            + $"{Units.Milliseconds(result.TimeToFirstToken)}, {Units.Count(result.Ids.Count, "token")} at "
            + $"{result.TokensPerSecond:0.0}/s, KV {Units.Bytes(result.KvBytes)}, ended by {Reason(result.FinishReason)}";

    private static string Reason(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "the model",
        FinishReason.Length => "the token limit",
        FinishReason.Context => "a full context",
        FinishReason.Repetition => "repetition",
        _ => "you",
    };
}
