namespace Kvasir.Cli.Measuring;

/// <summary>
/// Pass-key prompts for any tokenizer (Mohtashami and Jaggi 2023): plain sentences, a 5-digit key between two of them at evenly spread depths, and at the end the
/// question. Right is an answer in which the key stands.
/// </summary>
internal static class PasskeyPrompts
{
    private const int AnswerTokens = 16;
    private const string Opening = "Somewhere in these notes a pass key is named. Remember it.";
    private const string Question = "\n\nWhat number is the pass key? The pass key is";

    private static readonly string[] Filler =
    [
        "The ferry to the island leaves twice a day, once at dawn and once after lunch.",
        "Nobody had painted the garden fence since the old owner moved away.",
        "She put the kettle on and looked for the blue cup with the thin handle.",
        "Rain had washed the chalk marks from the playground before noon.",
        "The baker opens an hour later in winter because the roads are icy.",
        "A row of poplars keeps the wind off the lower field.",
        "He read the letter twice and then folded it back into its envelope.",
        "The museum shows a small collection of clocks on its second floor.",
        "Children were collecting chestnuts under the trees by the church.",
        "The road bends sharply behind the mill and then follows the stream.",
        "Most of the shelves in the library were built by a local carpenter.",
        "They rested at the spring and filled their bottles with cold water.",
        "The cat slept on the warm stones until the shade reached her.",
        "An orchestra rehearses in the town hall on the first Monday of the month.",
        "The bridge was closed for repairs, so the bus took the longer way.",
        "Fresh bread, soft cheese and a few plums were all they had packed.",
        "The lighthouse keeper wrote down the weather every evening.",
        "Two swallows built their nest above the door of the workshop.",
        "The market square is quiet on Sundays and crowded on Wednesdays.",
        "He tuned the piano slowly, listening to each string with care.",
    ];

    /// <param name="tokenizer">Of the model that will be asked.</param>
    /// <param name="count">How many prompts.</param>
    /// <param name="tokens">About how many ids each context has.</param>
    /// <param name="seed">The same seed gives the same prompts.</param>
    public static IReadOnlyList<RetrievalPrompt> Make(Tokenizer tokenizer, int count, int tokens, ulong seed)
    {
        var random = new Random(unchecked((int)(seed ^ (seed >> 32))));
        int[] question = tokenizer.Encode(Question, parseSpecial: false);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            string key = random.Next(10_000, 100_000).ToString(CultureInfo.InvariantCulture);
            double depth = (i + 0.5) / count;
            return new RetrievalPrompt($"{key} at {depth:0%}", Context(tokenizer, random, key, depth, tokens), question, AnswerTokens, said => Says(tokenizer, said, key));
        })];
    }

    /// <summary>Ids that a prompt needs besides its context.</summary>
    public static int LengthWithoutContext(Tokenizer tokenizer) => tokenizer.Encode(Question, parseSpecial: false).Length + AnswerTokens;

    private static int[] Context(Tokenizer tokenizer, Random random, string key, double depth, int tokens)
    {
        string needle = $" The pass key is {key}. Remember it: {key} is the pass key.";
        var sentences = new List<string>();
        int length = Length(Opening) + Length(needle);
        while (true)
        {
            string next = " " + Filler[random.Next(Filler.Length)];
            length += Length(next);
            if (length > tokens) break;
            sentences.Add(next);
        }

        sentences.Insert((int)(depth * (sentences.Count + 1)), needle);
        return tokenizer.Encode(Opening + string.Concat(sentences), parseSpecial: false, addSpecial: true);

        int Length(string text) => tokenizer.Encode(text, parseSpecial: false).Length;
    }

    private static bool Says(Tokenizer tokenizer, int[] said, string key) =>
        tokenizer.Decode([.. said.TakeWhile(id => id < tokenizer.VocabularySize && !tokenizer.IsEndOfGeneration(id))]).Contains(key, StringComparison.Ordinal);
}
