using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Reference;
using Kvasir.Tests.Models;

namespace Kvasir.Tests.Generation;

/// <summary>Rows of embeddings in place of tokens.</summary>
public sealed class InputEmbeddingsTests : ReferenceComparison
{
    private static readonly NaiveTransformer Tied = (Llama with { Tied = true }).WithRandomWeights(3);

    [Fact]
    public void Embeddings_of_tokens_give_what_the_tokens_give()
    {
        using Model model = Load();
        int[] ids = [7, 3, 11, 42, 5, 19];
        var embeddings = new InputEmbeddings(Tied.Width);
        int[] mixed = [.. ids[..2], .. embeddings.Add(Rows(ids[2..5])), ids[5]];
        Assert.All(mixed[2..5], id => Assert.True(id < 0));
        float[] expected = Logits(model, ids, null), actual = Logits(model, mixed, embeddings),
            others = Logits(model, [.. ids[..2], .. embeddings.Add(Rows([11, 42, 6])), ids[5]], embeddings);
        for (int i = 0; i < Tied.Vocabulary; i++) Assert.Equal(expected[i], actual[i], 1e-4f);
        Assert.True(Enumerable.Range(0, Tied.Vocabulary).Max(i => Math.Abs(expected[i] - others[i])) > 0.01);
    }

    [Fact]
    public void Equal_content_has_equal_ids_and_comes_from_the_cache()
    {
        using Model model = Load();
        var options = new GenerationOptions { MaxTokens = 3, IgnoreEndOfText = true };
        using var session = new Session(
            model, new ByteTokenizer(), null, model.NewCache())
        { Embeddings = new InputEmbeddings(Tied.Width) };
        int[] Prompt(params int[] shown) => [1, 2, .. session.Embeddings.Add(Rows(shown)), 3, 4];
        GenerationResult first = session.Complete(Prompt(8, 9, 10), options), again = session.Complete(Prompt(8, 9, 10), options),
            other = session.Complete(Prompt(8, 9, 12), options);
        Assert.Equal((0, 6, 2), (first.ReusedTokens, again.ReusedTokens, other.ReusedTokens));
        Assert.Equal(first.Ids, again.Ids);
    }

    [Fact]
    public void Ids_without_embeddings_are_refused()
    {
        using Model model = Load();
        var embeddings = new InputEmbeddings(Tied.Width);
        int[] ids = embeddings.Add(Rows([8]));
        Assert.Contains("outside the vocabulary", Assert.Throws<InvalidInputException>(() => Logits(model, ids, null)).Message,
            StringComparison.Ordinal);
        Assert.Contains("outside the vocabulary",
            Assert.Throws<InvalidInputException>(() => Logits(model, [ids[0] ^ 1], embeddings)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => embeddings.Add(new float[Tied.Width + 1]));
    }

    private static float[] Logits(Model model, int[] ids, InputEmbeddings? embeddings)
    {
        using Kvasir.Cache.KvCache cache = model.NewCache();
        using var batch = new Batch();
        batch.Add(cache, ids, LogitRows.Last, embeddings);
        model.Forward(batch);
        return batch.Logits(0).ToArray();
    }

    private float[] Rows(int[] ids) =>
        [.. ids.SelectMany(id => Tied.Weights["model.embed_tokens.weight"].Skip(id * Tied.Width).Take(Tied.Width))];

    private Model Load() => TinyHfModel.Load(Tied, _folder, "llama", """{"rope_theta": 10000.0, "max_position_embeddings": 256}""");
}
