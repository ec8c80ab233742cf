using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>Pictures whose rows see each other, as in Gemma 3, against the definition and however a prompt is cut into passes.</summary>
public sealed class EmbeddedRunsTests : ReferenceComparison
{
    private const int Width = 32;

    [Fact]
    public void Runs_are_found_and_never_cut()
    {
        int[] ids = [1, -5, -6, -7, 2, -8, 3];
        Assert.Equal([1, 4, 4, 4, 5, 6, 7], Enumerable.Range(0, ids.Length).Select(index => EmbeddedRuns.EndOf(ids, index)));
        Assert.Equal([0, 1, 1, 1, 4, 5, 6, 7, 7], Enumerable.Range(0, 9).Select(count => EmbeddedRuns.Whole(ids, count)));
        Assert.Equal([1, 1, 1, 1, 4, 5, 6, 7, 7], Enumerable.Range(0, 9).Select(count => EmbeddedRuns.Together(ids, count)));
        Assert.Equal(3, EmbeddedRuns.Together(ids.AsSpan(1), 2));
        Assert.Equal(3, EmbeddedRuns.Longest(ids));
        Assert.Equal(0, EmbeddedRuns.Longest([1, 2]));
    }

    [Fact]
    public void Rows_of_a_picture_see_each_other_and_nothing_else_that_follows()
    {
        (int[] ids, InputEmbeddings embeddings, NaiveTransformer naive) = Prompt(Gemma3(), 10, 20, 3, 5, 12);
        double[] expected = naive.Logits(ids);
        using Model model = Load(naive);
        Assert.InRange(Difference(expected, Logits(model, embeddings, ids)), 0, Tolerance);
        NaiveTransformer causal = naive with { LastSeen = t => t }, beyond = naive with { LastSeen = t => naive.LastSeen(t) > t ? 49 : t };
        foreach (NaiveTransformer other in new[] { causal, beyond })
            Assert.True(Difference(expected, [.. other.Logits(ids).Select(logit => (float)logit)]) > 0.05);
    }

    [Fact]
    public void A_model_without_such_pictures_reads_them_as_tokens()
    {
        (int[] ids, InputEmbeddings embeddings, NaiveTransformer gemma) = Prompt(Gemma3(), 10, 20, 3, 5, 12);
        NaiveTransformer naive = (Llama with { Width = Width, Rows = gemma.Rows }).WithRandomWeights(8);
        using Model model = TinyHfModel.Load(naive, _folder, "llama", """{"rope_theta": 10000.0, "max_position_embeddings": 256}""");
        Assert.InRange(Difference(naive.Logits(ids), Logits(model, embeddings, ids)), 0, Tolerance);
    }

    /// <summary>A slice holds 512 rows: the picture at its border goes into the next one.</summary>
    [Fact]
    public void A_picture_at_the_border_of_a_slice_stays_whole()
    {
        (int[] ids, InputEmbeddings embeddings, NaiveTransformer naive) = Prompt(Gemma3(), 505, 40, 3);
        using Model model = Load(naive);
        float[] last = Logits(model, embeddings, ids[..505], ids[505..])[^naive.Vocabulary..];
        Assert.Equal(last, Logits(model, embeddings, ids)[^naive.Vocabulary..]);
    }

    /// <summary>What is reused of a picture was computed with all of it in sight; the rest sees all of it too.</summary>
    [Fact]
    public void A_cache_that_ends_within_a_picture_goes_on_with_its_rest()
    {
        (int[] ids, InputEmbeddings embeddings, NaiveTransformer naive) = Prompt(Gemma3(), 10, 20, 12);
        using Model model = Load(naive);
        using KvCache cache = model.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        using var batch = new Batch();
        Forward(model, batch, cache, embeddings, ids);
        float[] expected = batch.Logits(ids.Length - 1).ToArray();
        cache.Truncate(17);
        Forward(model, batch, cache, embeddings, ids[17..]);
        Assert.InRange(Difference([.. expected.Select(logit => (double)logit)], batch.Logits(ids.Length - 18).ToArray()), 0, 1e-5);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(64)]
    public void A_scheduler_cuts_prompts_around_pictures(int tokensPerStep)
    {
        (int[] ids, InputEmbeddings embeddings, NaiveTransformer naive) = Prompt(Gemma3(), 10, 20, 3, 5, 12);
        using Model model = Load(naive);
        var options = new GenerationOptions { MaxTokens = 8, IgnoreEndOfText = true };
        int[] expected = [.. Greedy(model, embeddings, ids, options.MaxTokens)];
        using var pool = new BlockPool();
        using var scheduler = new Scheduler(model, new ByteTokenizer(), pool,
            new SchedulerOptions { TokensPerStep = tokensPerStep, MaxRunning = 2 },
            KvPolicy.Parse("k=f32,v=f32"));
        ScheduledSequence[] both = [.. Enumerable.Range(0, 2).Select(_ => scheduler.Add(ids, options, embeddings: embeddings))];
        scheduler.RunToEnd();
        Assert.All(both, sequence => Assert.Equal(expected, sequence.Result!.Ids));
    }

    [Fact]
    public void A_picture_that_cannot_be_computed_at_once_is_refused()
    {
        (int[] ids, InputEmbeddings embeddings, NaiveTransformer naive) = Prompt(Gemma3(), 2, 513, 1);
        using Model model = Load(naive);
        var refused = Assert.Throws<InvalidInputException>(() => Logits(model, embeddings, ids));
        Assert.Contains("513 rows of a picture see each other", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Text and pictures in turn, of so many tokens and rows.</summary>
    private static (int[] Ids, InputEmbeddings Embeddings, NaiveTransformer Naive) Prompt(NaiveTransformer naive, params int[] lengths)
    {
        var random = new Random(11);
        var embeddings = new InputEmbeddings(Width);
        var rows = new Dictionary<int, float[]>();
        var ids = new List<int>();
        for (int part = 0; part < lengths.Length; part++)
        {
            if (part % 2 == 0)
            {
                for (int t = 0; t < lengths[part]; t++) ids.Add(random.Next(naive.Vocabulary));
                continue;
            }
            float[] values = [.. Enumerable.Range(0, lengths[part] * Width).Select(_ => (float)(4 * random.NextDouble() - 2))];
            foreach ((int row, int id) in embeddings.Add(values).Index())
            {
                rows[id] = values[(row * Width)..((row + 1) * Width)];
                ids.Add(id);
            }
        }
        int[] all = [.. ids];
        return (all, embeddings, naive with { Rows = rows, LastSeen = t => EndOfRun(all, t) });
    }

    private static int EndOfRun(int[] ids, int t)
    {
        while (ids[t] < 0 && t + 1 < ids.Length && ids[t + 1] < 0) t++;
        return t;
    }

    private Model Load(NaiveTransformer naive) => TinyHfModel.Load(naive, _folder, "gemma3_text",
        GemmaSettings(GemmaBases).Replace("embeddings\": 256", "embeddings\": 1024", StringComparison.Ordinal));

    private static float[] Logits(Model model, InputEmbeddings embeddings, params int[][] parts)
    {
        using KvCache cache = model.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        using var batch = new Batch();
        foreach (int[] part in parts) Forward(model, batch, cache, embeddings, part);
        return [.. Enumerable.Range(0, batch.LogitRowCount).SelectMany(row => batch.Logits(row).ToArray())];
    }

    private static IEnumerable<int> Greedy(Model model, InputEmbeddings embeddings, int[] ids, int count)
    {
        for (int step = 0; step < count; step++)
        {
            float[] last = Logits(model, embeddings, ids)[^model.Config.Vocabulary..];
            int next = Array.IndexOf(last, last.Max());
            ids = [.. ids, next];
            yield return next;
        }
    }

    private static void Forward(Model model, Batch batch, KvCache cache, InputEmbeddings embeddings, int[] ids)
    {
        batch.Clear();
        batch.Add(cache, ids, LogitRows.All, embeddings);
        model.Forward(batch);
    }
}
