using System.Security.Cryptography;
using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Reference;
using Kvasir.Vision.Families;

namespace Kvasir.Vision.Tests;

/// <summary>A folder of SmolVLM's form: language model and image encoder together, on random weights.</summary>
public sealed class SmolVlmTests : IDisposable
{
    private const string Llama = """
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48,
        "vocab_size": 96, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "max_position_embeddings": 512
        """;

    private static readonly NaiveTransformer s_text = new NaiveTransformer
    {
        Width = 32,
        Layers = 2,
        Heads = 4,
        KvHeads = 2,
        HeadDim = 8,
        FeedForward = 48,
        Vocabulary = 96,
        ScoreScale = 1 / Math.Sqrt(8),
        Activation = NaiveTransformer.Silu,
        RotationOf = _ => NaiveRotation.Plain(10000, 8),
    }.WithRandomWeights(4);

    private readonly TemporaryFolder _folder = new();

    private static NaiveTower Eye => new NaiveTower { Shuffle = 3, LlmWidth = 32 }.Randomised(3);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Both_parts_are_read_from_one_folder()
    {
        string both = Both();
        using Model model = Model.Load(both), alone = Model.Load(Alone());
        using ImageEncoder encoder = ImageEncoder.Open(both);
        encoder.CheckFits(model);
        Assert.Equal(Logits(alone, [5, 9, 17], null), Logits(model, [5, 9, 17], null));
    }

    [Fact]
    public void A_wide_picture_is_tiles_row_by_row_and_then_the_whole_and_has_the_ids_that_were_foretold()
    {
        using ImageEncoder encoder = ImageEncoder.Open(Both());
        ImageLayout layout = encoder.LayoutOf(48, 24);
        Assert.Equal(["<fake_token_around_image><row_1_col_1>", "<fake_token_around_image><row_1_col_2>"],
            layout.Parts.Where(part => part.Rows == 0).Select(part => part.Text).Take(2));
        Assert.Equal(["\n<fake_token_around_image><row_2_col_1>", "\n\n<fake_token_around_image><global-img>", "<fake_token_around_image>"],
            [layout.Parts[8].Text, layout.Parts[^3].Text, layout.Parts[^1].Text]);
        Assert.Equal(9 * 4, layout.Rows);
        byte[] png = TowerTests.Png(48, 24);
        EncodedImage image = encoder.Encode(png, "x.png");
        var embeddings = new InputEmbeddings(encoder.Width);
        var tokenizer = new LetterTokenizer();
        int[] ids = image.Ids(tokenizer, embeddings);
        Assert.Equal(layout.Ids(tokenizer, encoder.IdentityOf(SHA256.HashData(png))), ids);
        Assert.Equal(layout.Rows, ids.Count(id => id < 0));
        Assert.All(ids, id => Assert.True(id >= 0 || embeddings.Contains(id)));
    }

    private string Both()
    {
        TinyEncoder.Folder(Eye, _folder, text: Llama, weights: writer =>
        {
            foreach ((string name, long[] shape) in s_text.Shapes())
                writer.Add(name.Replace("model.", "model.text_model.", StringComparison.Ordinal), shape, s_text.Weights[name]);
        });
        return _folder.Path;
    }

    private string Alone()
    {
        _folder.File("alone/config.json", $$"""{"model_type": "llama", {{Llama}} }""");
        var writer = new SafetensorsWriter();
        foreach ((string name, long[] shape) in s_text.Shapes()) writer.Add(name, shape, s_text.Weights[name]);
        writer.Write(_folder.Sub("alone/model.safetensors"));
        return _folder.Sub("alone");
    }

    private static float[] Logits(Model model, int[] ids, InputEmbeddings? embeddings)
    {
        using KvCache cache = model.NewCache();
        using var batch = new Batch();
        batch.Add(cache, ids, LogitRows.Last, embeddings);
        model.Forward(batch);
        return batch.Logits(0).ToArray();
    }
}
