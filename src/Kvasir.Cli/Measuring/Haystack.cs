namespace Kvasir.Cli.Measuring;

/// <summary>Plain sentences with others hidden between them, about as many ids as are wanted.</summary>
internal sealed class Haystack(Tokenizer tokenizer, Random random)
{
    private static readonly string[] s_filler =
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

    /// <param name="opening">What the context begins with.</param>
    /// <param name="needles">The sentences to hide, each with a space before it, and how deep: 0 is the start, 1 the end. Of ascending
    /// depth.</param>
    /// <param name="tokens">About how many ids the whole has.</param>
    public int[] Around(string opening, IReadOnlyList<(string Sentence, double Depth)> needles, int tokens)
    {
        var sentences = new List<string>();
        int length = Length(opening) + needles.Sum(needle => Length(needle.Sentence));
        while (true)
        {
            string next = " " + s_filler[random.Next(s_filler.Length)];
            length += Length(next);
            if (length > tokens) break;
            sentences.Add(next);
        }

        int plain = sentences.Count;
        foreach ((string sentence, double depth) in needles.Reverse()) sentences.Insert((int)(depth * (plain + 1)), sentence);
        return tokenizer.Encode(opening + string.Concat(sentences), parseSpecial: false, addSpecial: true);
    }

    private int Length(string text) => tokenizer.Encode(text, parseSpecial: false).Length;
}
