using Kvasir.Cache;
using Kvasir.Cache.Eviction;
using Kvasir.Models;
using Kvasir.Reference;
using Kvasir.Tests.Models;

namespace Kvasir.Tests.Cache.Eviction;

/// <summary>Images are thinned, and all text stays.</summary>
public sealed class ImageEvictionTests : ReferenceComparison
{
    private const int First = 10, Rows = 40, Prompt = 70;

    [Fact]
    public void The_question_s_attention_is_that_of_the_queries_behind_the_image()
    {
        double[][][] maps = Scored.Maps(heads: 4, tokens: 20, seed: 5);
        var region = new EvictionRegion(0, 20, 0, [1, 2, .. Enumerable.Range(-12, 11), 3, 4, 5, 6, 7, 8, 9], isPrompt: true);
        var score = new QuestionScore();
        Assert.Equal((7, 11), (region.QuestionTokens, region.Images.Length));
        ScoredLayer layer = Scored.Layer(20, kvHeads: 2, group: 2, maps: maps, recentRows: score.NeedsOf(region).RecentRows);
        double[] expected = [.. Enumerable.Range(0, 20)
            .Select(j => Enumerable.Range(13, 7).Where(i => i >= j).Sum(i => maps.Average(head => head[i][j])))];
        Assert.All(score.Score(layer), head => Scored.Near(expected, head));
    }

    [Fact]
    public void Layers_get_the_tokens_that_reach_one_share_of_their_attention()
    {
        float[][] attention = [[8, 1, 1, 0], [3, 3, 2, 2], [1, 0, 0, 0]];
        int[] kept = PrefixKvAllotment.Divide(attention, 2);
        Assert.Equal(6, kept.Sum());
        // What stands before each token: 0 .8 .9 1, 0 .3 .6 .8, 0 1 1 1: the six smallest are 0 0 0 .3 .6 .8.
        Assert.Equal([2, 3, 1], kept);
        Assert.Equal([1, 1, 1], PrefixKvAllotment.Divide(attention, 1));
    }

    [Theory]
    [InlineData("prefixkv:50%,score=question", 20)]
    [InlineData("question:25%", 10)]
    [InlineData("tova:50%", 20)]
    [InlineData("keydiff:20%,sizing=prefixkv", 8)]
    public void A_share_of_the_image_stays_and_all_text(string method, int onAverage)
    {
        using Model model = Load(Llama);
        (int[] ids, InputEmbeddings embeddings) = WithImage(model);
        using KvCache cache = Read(model, $"evict={method},only=images,sink=0", ids, embeddings);
        int[] text = [.. Enumerable.Range(0, First), .. Enumerable.Range(First + Rows, Prompt - First - Rows)];
        int[][] kept = [.. cache.Layers.SelectMany(layer => layer.Heads).Select(head => head.Positions())];
        Assert.All(kept, head => Assert.Equal(text, head.Intersect(text)));
        Assert.All(kept, head => Assert.True(head.Length > text.Length, "each head keeps something of the image"));
        Assert.Equal(onAverage, kept.Average(head => head.Length - text.Length), 0.5);
    }

    [Fact]
    public void A_prompt_without_image_stays_whole_and_is_encoded_as_the_policy_says()
    {
        using Model model = Load(Llama);
        int[] ids = Ids(Llama, Prompt);
        using KvCache cache = Read(model, "evict=prefixkv:50%,score=question,only=images", ids, null);
        Assert.All(cache.Layers.SelectMany(layer => layer.Heads), head => Assert.Equal(Prompt, head.Positions().Length));
    }

    [Theory]
    [InlineData("evict=prefixkv:50%,only=text", "only=text is unknown")]
    [InlineData("evict=fastgen:0.9,only=images", "only=images keeps a share")]
    [InlineData("evict=streaming,budget=64MB,only=images", "only=images keeps a share")]
    [InlineData("only=images", "belong to evict")]
    public void What_goes_not_with_images_is_refused(string policy, string why) =>
        Assert.Contains(why, Assert.Throws<InvalidInputException>(() => KvPolicy.Parse(policy)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_term_is_part_of_the_policy_s_text() =>
        Assert.Equal("k=f16,v=f16,evict=prefixkv:50%,score=question,only=images",
            KvPolicy.Parse("evict=prefixkv:50%,score=question,only=images").ToString());

    private static (int[] Ids, InputEmbeddings Embeddings) WithImage(Model model)
    {
        var embeddings = new InputEmbeddings(model.Config.Width);
        int[] text = Ids(Llama, Prompt);
        int[] image = embeddings.Add(Scored.Numbers(Rows * model.Config.Width, seed: 9));
        return ([.. text[..First], .. image, .. text[(First + Rows)..]], embeddings);
    }

    private static KvCache Read(Model model, string policy, int[] ids, InputEmbeddings? embeddings)
    {
        KvCache cache = model.NewCache(KvPolicy.Parse(policy));
        cache.BeginPrompt(ids);
        using var batch = new Batch();
        batch.Add(cache, ids, LogitRows.None, embeddings);
        model.Forward(batch);
        return cache;
    }

    private Model Load(NaiveTransformer naive) => TinyHfModel.Load(
        naive.WithRandomWeights(3), _folder, "llama", """{"rope_theta": 10000.0, "max_position_embeddings": 512}""");
}
