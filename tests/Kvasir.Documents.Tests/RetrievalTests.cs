using System.Text.Json;
using Kvasir.Documents.Retrieval;
using Kvasir.Reference;

namespace Kvasir.Documents.Tests;

public class RetrievalTests
{
    [Fact]
    public void Bm25_follows_the_formula()
    {
        // N = 3, mean length 4; "cat": n = 1. FTS5's idf is that of Robertson and Walker, without the 1 inside the logarithm.
        float[] scores = Bm25("cat", "the cat saw the cat", "a dog and a bird", "two birds");
        double idf = Math.Log((3 - 1 + 0.5) / (1 + 0.5));
        Assert.Equal(idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 5 / 4.0)), scores[0], 5);
        Assert.Equal([0f, 0f], scores[1..]);
    }

    [Theory]
    [InlineData("KVASIR's äpfel?", "\"Kvasir\" (ÄPFEL)")]
    [InlineData("apfel", "ein Äpfel")]
    [InlineData("who approves it", "it was approved by the board")]
    [InlineData("日本", "今日は日本語")]
    [InlineData("中国人", "中国")]
    public void Words_are_compared_without_case_accents_and_endings(string query, string text) => Assert.True(Bm25(query, text,
        "something else", "and more of this")[0] > 0);

    [Theory]
    [InlineData("zebra")]
    [InlineData("")]
    [InlineData("\" OR * : ^ { NEAR( ) }")]
    public void Unknown_words_and_signs_score_nothing(string query) => Assert.Equal([0f], Bm25(query, "cat"));

    [Fact]
    public void Question_of_thousands_of_words_is_searched() =>
        Assert.True(Bm25(string.Join(' ', Enumerable.Range(0, 5000).Select(i => $"w{i}")), "w4999 and so on", "else", "more")[0] > 0);

    [Fact]
    public void Cosine_is_independent_of_length()
    {
        float[][] rows = [[2, 0], [3, 3], [0, 0], [float.NaN, 1], [float.MaxValue, float.MaxValue], [-4, 0]];
        using ICatalog catalog = CatalogOf([.. rows.Select((_, i) => $"text {i}"), "without"]);
        long[] texts = catalog.Texts(null);
        catalog.Embed("e", [.. rows.Select((row, i) => (texts[i], row))]);
        using var index = new VectorIndex(catalog, "e", texts);
        float[] scores = index.Scores([5, 0]);
        Assert.Equal(1, scores[0], 6);
        Assert.Equal(Math.Sqrt(0.5), scores[1], 3);
        Assert.Equal([0f, 0f], scores[2..4]);
        Assert.Equal(Math.Sqrt(0.5), scores[4], 3);
        Assert.Equal(-1, scores[5], 6);
        Assert.Equal(0, scores[6]);
        Assert.Equal([texts[6]], index.Without);
        Assert.All([index.Scores([0, 0]), index.Scores([float.NaN, 1]), index.Scores([1, 0, 0])], all => Assert.Equal(new float[7], all));
        using var some = new VectorIndex(catalog, "e", [texts[1], texts[5]]);
        Assert.Equal([scores[1], scores[5]], some.Scores([5, 0]));
    }

    [Theory]
    [InlineData(24)]
    [InlineData(1)]
    [InlineData(71)]
    [InlineData(384)]
    public void Every_row_of_many_is_scored(int width)
    {
        var random = new Random(4);
        using ICatalog catalog = CatalogOf([.. Enumerable.Range(0, 3000).Select(i => $"text {i}")]);
        long[] texts = catalog.Texts(null);
        float[][] rows = [.. texts.Select(_ => (float[])[.. Enumerable.Range(0,
            width).Select(i => (random.NextSingle() - 0.5f) / (i % 3 == 2 ? 10_000 : 1))])];
        catalog.Embed("e", [.. texts.Zip(rows)]);
        using var index = new VectorIndex(catalog, "e", texts);
        float[] scores = index.Scores(rows[0]);
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.Equal(System.Numerics.Tensors.TensorPrimitives.CosineSimilarity<float>(rows[0], rows[i]), scores[i],
                0.02f / MathF.Sqrt(width));
        }
    }

    [Fact]
    public void Fusion_adds_reciprocal_ranks()
    {
        IReadOnlyList<(int Item, float Score)> fused = RankFusion.Fuse([0, 1, 2], [1, 2], [3]);
        Assert.Equal([1, 2, 0, 3], fused.Select(item => item.Item)); // the last two are equals
        Assert.All(fused.Zip([1 / 62.0 + 1 / 61.0, 1 / 63.0 + 1 / 62.0, 1 / 61.0, 1 / 61.0]),
            pair => Assert.Equal(pair.Second, pair.First.Score, 6));
    }

    [Fact]
    public void Texts_are_ordered_as_in_the_small_golden_file()
    {
        SmallGolden.RetrievalCase golden = SmallGolden.FromJson(File.ReadAllText(Path.Combine(SharedData.ProjectRoot(),
            SmallGolden.FileName))).Retrieval;
        using ICatalog catalog = CatalogOf(golden.Texts);
        long[] texts = catalog.Texts(null);
        catalog.Embed("e", [.. texts.Zip(golden.Vectors)]);
        using var index = new VectorIndex(catalog, "e", texts);
        float[] words = Bm25(catalog, golden.Query), cosines = index.Scores(golden.QueryVector);
        Assert.All(golden.Bm25.Zip(words), pair => Assert.Equal(pair.First, pair.Second, 2e-5));
        Assert.All(golden.Cosines.Zip(cosines), pair => Assert.Equal(pair.First, pair.Second, 5e-3)); // 8 bits, few dimensions
        Assert.Equal(golden.Order, Fused(words, cosines));
    }

    [Fact]
    public void Passages_far_weaker_than_the_best_are_left_out()
    {
        Passage[] found = [Scored(0.8f, 10), Scored(0.7f, 7), Scored(0.4f, 4), Scored(0.5f, 9)];
        Assert.Equal([found[0], found[1], found[3]], PassageSelection.Relevant(found, smallModel: false));
        Assert.Equal([found[0]], PassageSelection.Relevant(found, smallModel: true));
        Assert.Equal([found[0], found[0]], PassageSelection.Relevant([found[0], found[0]], smallModel: true));
        Assert.Empty(PassageSelection.Relevant([], smallModel: false));
        Assert.Single(PassageSelection.Relevant([Scored(0, 0.001f)], smallModel: true));
    }

    [Fact]
    public void Best_scores_are_those_of_a_full_sort()
    {
        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            float[] scores = [.. Enumerable.Range(0, random.Next(300)).Select(_ => random.Next(-3, 20) / 4f)];
            int count = random.Next(1, 60);
            int[] sorted = [.. Enumerable.Range(0, scores.Length).Where(i => scores[i] > 0).OrderByDescending(i => scores[i]).ThenBy(i => i)
                .Take(count)];
            Assert.Equal(sorted, TopScores.Best(scores, count));
            Assert.Equal(sorted, TopScores.Best(scores.Select((score, i) => KeyValuePair.Create(i, score)), count));
        }

        Assert.Equal([1], TopScores.Best([float.NaN, 1, float.NegativeInfinity], 2));
    }

    [Fact]
    public void Rows_that_are_stored_again_stay_as_they_are()
    {
        var random = new Random(6);
        for (int i = 0; i < 50; i++)
        {
            byte[] once = EmbeddingRow.Write(i, [.. Enumerable.Range(0, 384).Select(_ => random.NextSingle() * 8 - 4)]);
            Assert.Equal(once, EmbeddingRow.Write(i, EmbeddingRow.Read(i, once)!));
        }
    }

    [Fact]
    public void Row_that_differs_in_any_bit_or_is_another_texts_is_not_read()
    {
        byte[] row = EmbeddingRow.Write(7, [0.6f, 0.8f, 0]);
        Assert.NotNull(EmbeddingRow.Read(7, row));
        Assert.Null(EmbeddingRow.Read(8, row));
        for (int bit = 0; bit < 8 * row.Length; bit++)
        {
            byte[] damaged = [.. row];
            damaged[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.Null(EmbeddingRow.Read(7, damaged));
        }

        Assert.All(Enumerable.Range(0, row.Length), length => Assert.Null(EmbeddingRow.Read(7, row.AsSpan(0, length))));
    }

    /// <summary>The scores of texts of a catalog in memory.</summary>
    private static float[] Bm25(string query, params string[] texts)
    {
        using ICatalog catalog = CatalogOf(texts);
        return Bm25(catalog, query);
    }

    private static float[] Bm25(ICatalog catalog, string query)
    {
        Dictionary<long, float> scores = catalog.Rank(Words.Of(query), -1).ToDictionary(hit => hit.Text, hit => hit.Score);
        return [.. catalog.Texts(null).Select(text => scores.GetValueOrDefault(text))];
    }

    private static SqliteCatalog CatalogOf(params string[] texts)
    {
        SqliteCatalog catalog = SqliteCatalog.Open(Database.InMemory, new StoreFiles());
        StoredDocument document = catalog.Add("/f", new DocumentContent(null, "", [], 320, [.. texts.Select(text => new ChunkContent(0,
            text.Length, 1, text))]));
        catalog.Commit(new StoredFile { Path = "/f", Length = 1, ChangedTicks = 1, Hash = [] }, [document]);
        return catalog;
    }

    private static Passage Scored(float cosine, float bm25) =>
        new() { File = "f", DocumentId = null, Title = "", Chunk = 0, Start = 0, Text = "", Score = 0, Cosine = cosine, Bm25 = bm25 };

    [SkippableFact]
    public void Words_alone_find_most_facts()
    {
        (string[] ids, float[][] byQuestion, JsonElement[] questions) = Facts();
        int first = 0, among5 = 0;
        for (int q = 0; q < questions.Length; q++)
        {
            int[] ranking = TopScores.Best(byQuestion[q], 60);
            int rank = Array.FindIndex(ranking, i => ids[i] == questions[q].GetProperty("doc_id").GetString());
            first += rank == 0 ? 1 : 0;
            among5 += rank is >= 0 and < 5 ? 1 : 0;
        }

        Assert.InRange(first, questions.Length * 95 / 100, questions.Length);
        Assert.Equal(questions.Length, among5);
    }

    [SkippableFact]
    public void Fused_with_the_reference_cosines_the_right_fact_comes_first()
    {
        (string[] ids, float[][] byQuestion, JsonElement[] questions) = Facts();
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/matkv/retrieval_facts.json")));
        JsonElement[] results = [.. golden.RootElement.GetProperty("results").EnumerateArray()];
        int first = 0;
        for (int q = 0; q < questions.Length; q++)
        {
            Assert.Equal(questions[q].GetProperty("id").GetString(), results[q].GetProperty("id").GetString());
            float[] cosines = new float[ids.Length];
            foreach ((JsonElement id, JsonElement score) in results[q].GetProperty("top5").EnumerateArray()
                .Zip(results[q].GetProperty("scores").EnumerateArray()))
            {
                cosines[Array.IndexOf(ids, id.GetString())] = score.GetSingle();
            }

            int[] ranking = Fused(cosines, byQuestion[q]);
            first += ids[ranking[0]] == questions[q].GetProperty("doc_id").GetString() ? 1 : 0;
        }

        Assert.InRange(first, questions.Length * 98 / 100, questions.Length);
    }

    private static int[] Fused(float[] first, float[] second) =>
        [.. RankFusion.Fuse(TopScores.Best(first, RankFusion.Depth), TopScores.Best(second, RankFusion.Depth)).Select(item => item.Item)];

    private static (string[] Ids, float[][] Scores, JsonElement[] Questions) Facts()
    {
        JsonElement[] documents = Lines("data/facts/docs.jsonl"), questions = Lines("data/facts/questions.jsonl");
        using ICatalog catalog = CatalogOf([.. documents.Select(document => document.GetProperty("text").GetString()!)]);
        return ([.. documents.Select(document => document.GetProperty("id").GetString()!)],
            [.. questions.Select(question => Bm25(catalog, question.GetProperty("question").GetString()!))], questions);
    }

    private static JsonElement[] Lines(string relative) =>
        [.. File.ReadLines(SharedData.Require(relative)).Select(line => JsonDocument.Parse(line).RootElement.Clone())];
}
