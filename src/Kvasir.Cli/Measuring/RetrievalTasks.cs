namespace Kvasir.Cli.Measuring;

/// <summary>
/// Synthetic tasks in the form of RULER (Hsieh et al. 2024), made up from a seed, of any length, for any tokenizer: codes hidden in plain
/// sentences, variables that get each other's values, and lists of words to be counted. What is asked for may have several parts; the score
/// is the share of them that is said.
/// </summary>
internal sealed class RetrievalTasks(Tokenizer tokenizer, Random random)
{
    private const int Distractors = 3, Values = 4, Hops = 4, CommonWords = 10, FrequentWords = 3, CommonTimes = 10;
    private const string Codes = "Some codes are hidden in these notes. Remember them.";

    private static readonly string[] s_adjectives =
    [
        "amber", "brisk", "calm", "dusty", "eager", "faded", "gentle", "hollow", "idle", "jolly", "keen", "lively", "mellow", "narrow",
        "olive", "patient", "quiet", "rusty", "silent", "tender", "upper", "velvet", "wooden", "yellow", "zesty", "bitter", "clever",
        "distant", "famous", "golden", "humble", "ivory",
    ];

    private static readonly string[] s_nouns =
    [
        "anchor", "basket", "candle", "drum", "engine", "feather", "garden", "hammer", "island", "jacket", "kettle", "ladder", "mirror",
        "needle", "orchard", "pillow", "quarry", "ribbon", "saddle", "tunnel", "umbrella", "violin", "wagon", "yard", "zipper", "bridge",
        "castle", "desk", "field", "guitar", "harbor", "lantern",
    ];

    /// <summary>The tasks by their names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["single", "multikey", "multivalue", "variables", "common", "frequent"];

    /// <summary>Prompts of one task.</summary>
    /// <param name="task">Its name.</param>
    /// <param name="tokenizer">Of the model that will be asked.</param>
    /// <param name="count">How many.</param>
    /// <param name="tokens">About how many ids each context has.</param>
    /// <param name="seed">The same seed gives the same prompts, whatever other tasks are made.</param>
    public static IReadOnlyList<RetrievalPrompt> Make(string task, Tokenizer tokenizer, int count, int tokens, ulong seed)
    {
        var tasks = new RetrievalTasks(tokenizer, new Random(unchecked((int)(seed ^ (seed >> 32)) * 31 + task.Length * 1009 + task[0])));
        return [.. Enumerable.Range(0, count).Select(i => task switch
        {
            "single" => tasks.Code($"{task} {i}", (i + 0.5) / count, 0, tokens),
            "multikey" => tasks.Code($"{task} {i}", (i + 0.5) / count, Distractors, tokens),
            "multivalue" => tasks.SeveralCodes($"{task} {i}", tokens),
            "variables" => tasks.Variables($"{task} {i}", tokens),
            "common" => tasks.CountedWords($"{task} {i}", CommonWords, Fading(CommonWords, CommonTimes, fades: false), tokens),
            "frequent" => tasks.CountedWords($"{task} {i}", FrequentWords, Fading(FrequentWords, CommonTimes, fades: true), tokens),
            _ => throw new InvalidInputException($"the task '{task}' is unknown (known: {string.Join(", ", Names)})"),
        })];
    }

    /// <summary>One code, at a depth, among those of other things.</summary>
    private RetrievalPrompt Code(string name, double depth, int distractors, int tokens)
    {
        string[] keys = Things(distractors + 1), codes = Numbers(distractors + 1);
        var needles = new List<(string, double)> { (Needle(keys[0], codes[0]), depth) };
        for (int i = 1; i < keys.Length; i++) needles.Add((Needle(keys[i], codes[i]), random.NextDouble()));
        return Prompt(name, new Haystack(tokenizer, random).Around(Codes, [.. needles.OrderBy(needle => needle.Item2)], tokens),
            $"\n\nWhat is the code of the {keys[0]}? The code of the {keys[0]} is", 16, [codes[0]]);
    }

    /// <summary>One thing with several codes.</summary>
    private RetrievalPrompt SeveralCodes(string name, int tokens)
    {
        string key = Things(1)[0];
        string[] codes = Numbers(Values);
        (string, double)[] needles = [.. codes.Select((code, i) => (Needle(key, code), (i + random.NextDouble()) / Values))];
        return Prompt(name, new Haystack(tokenizer, random).Around(Codes, needles, tokens),
            $"\n\nWhat are the {Values} codes of the {key}? The codes of the {key} are", 48, codes);
    }

    /// <summary>A value that goes from variable to variable; all that have it are asked for.</summary>
    private RetrievalPrompt Variables(string name, int tokens)
    {
        string[] names = Distinct(Hops + 1, () => string.Concat(Enumerable.Range(0, 5).Select(_ => (char)('A' + random.Next(26)))));
        string value = Numbers(1)[0];
        (string, double)[] needles = [.. names.Select((variable, i) =>
            ($" VAR {variable} = {(i == 0 ? value : "VAR " + names[i - 1])}.", (i + random.NextDouble()) / names.Length))];
        return Prompt(name, new Haystack(tokenizer, random).Around("Follow the variables that are set in these notes.", needles, tokens),
            $"\n\nWhich {names.Length} variables have the value {value}? The variables with the value {value} are", 60, names);
    }

    /// <summary>A numbered list in which some words stand more often than all others.</summary>
    /// <param name="name">The prompt's name.</param>
    /// <param name="wanted">How many words are asked for.</param>
    /// <param name="times">How often each of these stands there; all others stand there once.</param>
    /// <param name="tokens">About how many ids.</param>
    private RetrievalPrompt CountedWords(string name, int wanted, int[] times, int tokens)
    {
        string[] often = Things(wanted);
        // Where the list is too short for them all, each of the words stands there as many times less often.
        double share = Math.Min(1, 0.7 * tokens / (times.Sum() * Length(" 100. quiet-lantern")));
        List<string> words = [.. often.SelectMany((word, i) => Enumerable.Repeat(word, Math.Max(2, (int)(times[i] * share))))];
        const string Opening = "Count how often each word stands in this list.";
        int room = tokens - Length(Opening) - words.Sum(word => Length($" {words.Count}. {word}"));
        var others = new HashSet<string>(often, StringComparer.Ordinal);
        while (room > 0 && others.Count < s_adjectives.Length * s_nouns.Length)
        {
            string word = Things(1)[0];
            if (!others.Add(word)) continue;
            words.Add(word);
            room -= Length($" {words.Count}. {word}");
        }
        random.Shuffle(CollectionsMarshal.AsSpan(words));
        string list = string.Concat(words.Select((word, i) => $" {i + 1}. {word}"));
        return Prompt(name, tokenizer.Encode(Opening + list, parseSpecial: false, addSpecial: true),
            $"\n\nWhat are the {wanted} words that stand in the list most often? The words that stand in the list most often are",
            10 * wanted, often);
    }

    private RetrievalPrompt Prompt(string name, int[] context, string question, int answerTokens, string[] wanted) =>
        new(name, context, tokenizer.Encode(question, parseSpecial: false), answerTokens, RetrievalPrompt.Says(tokenizer, wanted));

    private static int[] Fading(int words, int times, bool fades) =>
        [.. Enumerable.Range(1, words).Select(rank => fades ? Math.Max(2, 3 * times / rank) : times)];

    private static string Needle(string key, string code) => $" The code of the {key} is {code}.";

    private string[] Things(int count) =>
        Distinct(count, () => $"{s_adjectives[random.Next(s_adjectives.Length)]}-{s_nouns[random.Next(s_nouns.Length)]}");

    private string[] Numbers(int count) => Distinct(count, () => random.Next(100_000, 1_000_000).ToString(CultureInfo.InvariantCulture));

    private static string[] Distinct(int count, Func<string> make)
    {
        var distinct = new HashSet<string>(StringComparer.Ordinal);
        while (distinct.Count < count) distinct.Add(make());
        return [.. distinct];
    }

    private int Length(string text) => tokenizer.Encode(text, parseSpecial: false).Length;
}
