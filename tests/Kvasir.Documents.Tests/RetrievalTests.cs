using System.Text.Json;
using Kvasir.Documents.Retrieval;
using Kvasir.Reference;

namespace Kvasir.Documents.Tests;

public class RetrievalTests
{
    private static float[] Bm25(string query, params string[] texts) => new Bm25Index(new WordsOf(texts)).Scores(query);

    [Fact]
    public void Bm25_follows_the_formula()
    {
        // N = 3, mean length 4; "cat": n = 2.
        float[] scores = Bm25("cat", "the cat saw the cat", "a dog and a cat", "two birds");
        double idf = Math.Log(1 + (3 - 2 + 0.5) / (2 + 0.5));
        Assert.Equal(idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 5 / 4.0)), scores[0], 5);
        Assert.Equal(idf * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 5 / 4.0)), scores[1], 5);
        Assert.Equal(0, scores[2]);
    }

    [Fact]
    public void Words_are_compared_without_case_and_punctuation() =>
        Assert.True(Bm25("KVASIR's äpfel?", "\"Kvasir\" (ÄPFEL)", "other words")[0] > 0);

    [Fact]
    public void Scripts_without_spaces_are_found_by_character() => Assert.True(Bm25("日本", "今日は日本語", "中国")[0] > 0);

    [Fact]
    public void Unknown_words_and_an_empty_index_score_nothing()
    {
        Assert.Equal([0f], Bm25("zebra", "cat"));
        Assert.Empty(Bm25("zebra"));
    }

    [Fact]
    public void Cosine_is_independent_of_length()
    {
        using var folder = new TemporaryFolder();
        using VectorFile file = VectorsOf(folder, [2, 0, 3, 3, 0, 0, float.NaN, 1, float.MaxValue, float.MaxValue, -4, 0]);
        var index = new VectorIndex();
        index.Add(file, 0, 2);
        index.AddWithout(1);
        index.Add(file, 2, 2);
        index.Add(file, 4, 2);
        float[] scores = index.Scores([5, 0]);
        Assert.Equal(1, scores[0], 6);
        Assert.Equal(Math.Sqrt(0.5), scores[1], 5);
        Assert.Equal([0f, 0f, 0f, 0f], scores[2..6]);
        Assert.Equal(-1, scores[6], 6);
        Assert.All([index.Scores([0, 0]), index.Scores([float.NaN, 1]), index.Scores([1, 0, 0])], all => Assert.Equal(new float[7], all));
    }

    [Fact]
    public void Fusion_adds_reciprocal_ranks()
    {
        float[] fused = RankFusion.Fuse([0.9f, 0.5f, 0.1f], [0f, 7f, 3f]);
        Assert.Equal(1 / 61.0, fused[0], 6);
        Assert.Equal(1 / 62.0 + 1 / 61.0, fused[1], 6);
        Assert.Equal(1 / 63.0 + 1 / 62.0, fused[2], 6);
        Assert.Equal([1, 2, 0], TopScores.Best(fused, 9));
    }

    [Fact]
    public void Texts_are_ordered_as_in_the_small_golden_file()
    {
        SmallGolden.RetrievalCase golden = SmallGolden.FromJson(File.ReadAllText(Path.Combine(SharedData.ProjectRoot(), SmallGolden.FileName))).Retrieval;
        float[] words = Bm25(golden.Query, golden.Texts);
        using var folder = new TemporaryFolder();
        using VectorFile file = VectorsOf(folder, [.. golden.Vectors.SelectMany(vector => vector)], golden.QueryVector.Length);
        var index = new VectorIndex();
        index.Add(file, 0, golden.Texts.Length);
        float[] cosines = index.Scores(golden.QueryVector);
        Assert.All(golden.Bm25.Zip(words), pair => Assert.Equal(pair.First, pair.Second, 2e-5));
        Assert.All(golden.Cosines.Zip(cosines), pair => Assert.Equal(pair.First, pair.Second, 2e-5));
        Assert.Equal(golden.Order, TopScores.Best(RankFusion.Fuse(words, cosines), golden.Texts.Length));
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
            int[] sorted = [.. Enumerable.Range(0, scores.Length).Where(i => scores[i] > 0).OrderByDescending(i => scores[i]).ThenBy(i => i).Take(count)];
            Assert.Equal(sorted, TopScores.Best(scores, count));
        }

        Assert.Equal([1], TopScores.Best([float.NaN, 1, float.NegativeInfinity], 2));
    }

    [Fact]
    public void Rows_that_are_stored_again_stay_as_they_are()
    {
        var random = new Random(6);
        float[] once = VectorFile.Normalised([.. Enumerable.Range(0, 50 * 384).Select(_ => random.NextSingle() * 8 - 4)], 384);
        Assert.Equal(once, VectorFile.Normalised(once, 384));
    }

    private static VectorFile VectorsOf(TemporaryFolder folder, float[] rows, int width = 2)
    {
        string path = folder.Sub("vectors.f32");
        File.WriteAllBytes(path, VectorFile.Header("e", 1, width));
        using (VectorFile file = VectorFile.Open(path, "e", 1, write: true)!)
        {
            file.Append(VectorFile.Normalised(rows, width), new StoreFiles(), out _);
        }

        return VectorFile.Open(path, "e", 1, write: false)!;
    }

    private sealed class WordsOf(params IEnumerable<string> texts) : ITermSource
    {
        private readonly TermCounts[] _texts = [.. texts.Select(TermCounts.Of)];

        public int Count => _texts.Length;

        public int Length(int text) => _texts[text].Length;

        public ReadOnlySpan<uint> Terms(int text) => _texts[text].Terms;

        public ReadOnlySpan<ushort> Counts(int text) => _texts[text].Counts;
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
            foreach ((JsonElement id, JsonElement score) in results[q].GetProperty("top5").EnumerateArray().Zip(results[q].GetProperty("scores").EnumerateArray()))
            {
                cosines[Array.IndexOf(ids, id.GetString())] = score.GetSingle();
            }

            int[] ranking = TopScores.Best(RankFusion.Fuse(cosines, byQuestion[q]), 60);
            first += ids[ranking[0]] == questions[q].GetProperty("doc_id").GetString() ? 1 : 0;
        }

        Assert.InRange(first, questions.Length * 98 / 100, questions.Length);
    }

    private static (string[] Ids, float[][] Scores, JsonElement[] Questions) Facts()
    {
        JsonElement[] documents = Lines("data/facts/docs.jsonl"), questions = Lines("data/facts/questions.jsonl");
        var index = new Bm25Index(new WordsOf([.. documents.Select(document => document.GetProperty("text").GetString()!)]));
        return ([.. documents.Select(document => document.GetProperty("id").GetString()!)], [.. questions.Select(question => index.Scores(question.GetProperty("question").GetString()!))], questions);
    }

    private static JsonElement[] Lines(string relative) =>
        [.. File.ReadLines(SharedData.Require(relative)).Select(line => JsonDocument.Parse(line).RootElement.Clone())];
}
