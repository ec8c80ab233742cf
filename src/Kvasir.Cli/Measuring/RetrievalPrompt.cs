namespace Kvasir.Cli.Measuring;

/// <summary>A context, a question about it, and how what the model says is judged.</summary>
/// <param name="Name">For a person.</param>
/// <param name="Context">Ids in which the answer stands.</param>
/// <param name="Question">Ids that follow the context; the answer follows them.</param>
/// <param name="AnswerTokens">How many ids the model may say.</param>
/// <param name="IsRight">Whether the ids that it said are the answer.</param>
internal sealed record RetrievalPrompt(string Name, int[] Context, int[] Question, int AnswerTokens, Func<int[], bool> IsRight)
{
    /// <summary>Ids that the cache holds at the end.</summary>
    public int Length => Context.Length + Question.Length + AnswerTokens;
}
