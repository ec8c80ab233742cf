namespace Kvasir.Cli.Measuring;

/// <summary>
/// Pass-key prompts for any tokenizer (Mohtashami and Jaggi 2023): plain sentences, a 5-digit key between two of them at evenly spread
/// depths, and at the end the question. Right is an answer in which the key stands.
/// </summary>
internal static class PasskeyPrompts
{
    private const int AnswerTokens = 16;
    private const string Opening = "Somewhere in these notes a pass key is named. Remember it.";
    private const string Question = "\n\nWhat number is the pass key? The pass key is";

    /// <param name="tokenizer">Of the model that will be asked.</param>
    /// <param name="count">How many prompts.</param>
    /// <param name="tokens">About how many ids each context has.</param>
    /// <param name="seed">The same seed gives the same prompts.</param>
    public static IReadOnlyList<RetrievalPrompt> Make(Tokenizer tokenizer, int count, int tokens, ulong seed)
    {
        var random = new Random(unchecked((int)(seed ^ (seed >> 32))));
        var haystack = new Haystack(tokenizer, random);
        int[] question = tokenizer.Encode(Question, parseSpecial: false);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            string key = random.Next(10_000, 100_000).ToString(CultureInfo.InvariantCulture);
            double depth = (i + 0.5) / count;
            int[] context = haystack.Around(Opening, [(Needle(key), depth)], tokens);
            return new RetrievalPrompt($"{key} at {depth:0%}", context, question, AnswerTokens, RetrievalPrompt.Says(tokenizer, [key]));
        })];
    }

    /// <summary>Ids that a prompt needs besides its context.</summary>
    public static int LengthWithoutContext(Tokenizer tokenizer) => tokenizer.Encode(Question, parseSpecial: false).Length + AnswerTokens;

    private static string Needle(string key) => $" The pass key is {key}. Remember it: {key} is the pass key.";
}
