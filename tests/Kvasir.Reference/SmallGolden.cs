using System.Text.Json;

namespace Kvasir.Reference;

/// <summary>
/// Small golden values, made by this project's own plain code, for those who lack the large ones: <c>tests/golden/small.json</c>.
/// Everything follows from seeds of <see cref="Random"/>, whose sequence .NET keeps.
/// </summary>
public sealed record SmallGolden
{
    /// <summary>From the project's root.</summary>
    public const string FileName = "tests/golden/small.json";

    /// <summary>How many ids the conversation has before it is saved.</summary>
    public const int SavedTokens = 45;

    /// <summary>Tokens before the placed chunk, in it, and after it.</summary>
    public const int Before = 7, Placed = 40, After = 6;

    private const int Digits = 5;

    /// <summary>The model of all logits: a Llama of two layers with grouped heads and a tied output.</summary>
    public static NaiveTransformer Model { get; } = new NaiveTransformer
    {
        Layers = 2,
        Width = 32,
        Heads = 4,
        KvHeads = 2,
        HeadDim = 8,
        FeedForward = 48,
        Vocabulary = 24,
        Epsilon = 1e-5,
        ScoreScale = 1 / Math.Sqrt(8),
        Activation = NaiveTransformer.Silu,
        RotationOf = _ => NaiveRotation.Plain(10000, 8),
        Tied = true,
    }.WithRandomWeights(2026);

    public required int[] Ids { get; init; }

    /// <summary>Of every position of <see cref="Ids"/>, [tokens, vocabulary].</summary>
    public required double[] Logits { get; init; }

    /// <summary>
    /// Of the last <see cref="After"/> ids where the <see cref="Placed"/> before them were computed as if they stood alone, and then placed
    /// behind the first <see cref="Before"/>.
    /// </summary>
    public required double[] LogitsAfterPlacing { get; init; }

    /// <summary>Keys [channels, 32 tokens], which are also taken as values [32 tokens, channels].</summary>
    public required float[] Kv { get; init; }

    public required KiviCase[] Kivi { get; init; }

    public required RetrievalCase Retrieval { get; init; }

    public static SmallGolden Make()
    {
        var random = new Random(11);
        int[] ids = [.. Enumerable.Range(0, Before + Placed + After).Select(_ => random.Next(Model.Vocabulary))];
        NaiveTransformer apart = Model with { Sees = (token, earlier) => token is < Before or >= Before + Placed || earlier >= Before };
        float[] kv = [.. Enumerable.Range(0, 32 * 32).Select(_ => (float)(random.Next(-4096, 4096) / 1024.0))];
        return new SmallGolden
        {
            Ids = ids,
            Logits = Rounded(Model.Logits(ids)),
            LogitsAfterPlacing = Rounded(apart.Logits(ids)[^(After * Model.Vocabulary)..]),
            Kv = kv,
            Kivi = [.. new[] { 2, 3, 4 }.Select(bits => new KiviCase(bits, kv))],
            Retrieval = RetrievalCase.Make(random),
        };
    }

    public string ToJson() => JsonSerializer.Serialize(this);

    public static SmallGolden FromJson(string json) => JsonSerializer.Deserialize<SmallGolden>(json)!;

    private static double[] Rounded(double[] values) => [.. values.Select(value => Math.Round(value, Digits))];

    /// <summary>
    /// What 2, 3 or 4 bits make of <see cref="Kv"/> in groups of 32: a digit a code, in the order of the floats; a row of 32 is a group of
    /// both keys and values.
    /// </summary>
    public sealed record KiviCase(int Bits, string[] Codes, float[] Scales, float[] Minima)
    {
        internal KiviCase(int bits, float[] kv) : this(bits, [.. kv.Chunk(32).Select(group => NaiveKivi.Encode(group, bits))]) { }

        private KiviCase(int bits, NaiveKivi[] groups)
            : this(bits,
            [.. groups.Select(group => string.Concat(group.Codes.Select(code => code.ToString("x", CultureInfo.InvariantCulture))))],
            [.. groups.Select(group => group.Scale)], [.. groups.Select(group => group.Minimum)])
        { }

        public int Code(int at) => Convert.ToInt32(Codes[at / 32].Substring(at % 32, 1), 16);
    }

    /// <summary>
    /// Texts, vectors for them and a query: the scores of both rankings, and the texts from the best to the worst of the fused ranking.
    /// </summary>
    public sealed record RetrievalCase(
        string[] Texts, string Query, float[][] Vectors, float[] QueryVector, double[] Bm25, double[] Cosines, int[] Order)
    {
        internal static RetrievalCase Make(Random random)
        {
            string[] words = ["heron", "harbour", "mayor", "train", "museum", "river", "budget", "winter", "the", "of"];
            string[] texts = [.. Enumerable.Range(0, 12)
                .Select(i => string.Join(' ', Enumerable.Range(0, 6 + i).Select(_ => words[random.Next(words.Length)])))];
            float[][] vectors = [.. texts.Select(_ => Unit([.. Enumerable.Range(0, 4).Select(_ => random.Next(-8, 9) + 0.5f)]))];
            float[] query = Unit([3, -2, 1, 4]);
            double[] bm25 = NaiveRetrieval.Bm25("the mayor of the harbour museum", texts),
                cosines = [.. vectors.Select(vector => NaiveRetrieval.Cosine(query, vector))];
            double[] fused = NaiveRetrieval.Fuse(bm25, cosines);
            int[] order = [.. Enumerable.Range(0, texts.Length).OrderByDescending(text => fused[text]).ThenBy(text => text)];
            return new RetrievalCase(texts, "the mayor of the harbour museum", vectors, query, Rounded(bm25), Rounded(cosines), order);
        }

        private static float[] Unit(float[] vector)
        {
            float length = MathF.Sqrt(vector.Sum(x => x * x));
            return [.. vector.Select(x => x / length)];
        }
    }
}
