namespace Kvasir.Cli.Measuring;

/// <summary>A context, a question about it, and how what the model says is judged.</summary>
/// <param name="Name">For a person.</param>
/// <param name="Context">Ids in which the answer stands.</param>
/// <param name="Question">Ids that follow the context; the answer follows them.</param>
/// <param name="AnswerTokens">How many ids the model may say.</param>
/// <param name="Score">How much of the answer the ids are that it said, 0 to 1.</param>
internal sealed record RetrievalPrompt(string Name, int[] Context, int[] Question, int AnswerTokens, Func<int[], double> Score)
{
    /// <summary>Ids that the cache holds at the end.</summary>
    public int Length => Context.Length + Question.Length + AnswerTokens;

    /// <summary>The share of <paramref name="wanted"/> that stands in what was said before the model ended it.</summary>
    public static Func<int[], double> Says(Tokenizer tokenizer, IReadOnlyList<string> wanted) => said =>
    {
        string text = tokenizer.Decode([.. said.TakeWhile(id => id < tokenizer.VocabularySize && !tokenizer.IsEndOfGeneration(id))]);
        return (double)wanted.Count(part => text.Contains(part, StringComparison.OrdinalIgnoreCase)) / wanted.Count;
    };
}
