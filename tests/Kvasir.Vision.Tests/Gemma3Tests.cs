using System.Security.Cryptography;
using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Reference;
using Kvasir.Vision.Families;
using Kvasir.Vision.Pictures;

namespace Kvasir.Vision.Tests;

/// <summary>A folder of Gemma 3's form, language model and image encoder together, on random weights.</summary>
public sealed class Gemma3Tests : IDisposable
{
    private const int Window = 24;

    private const string Text = """
        "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
        "intermediate_size": 48, "vocab_size": 128, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
        "max_position_embeddings": 512, "query_pre_attn_scalar": 8, "sliding_window": 24, "sliding_window_pattern": 3
        """;

    private static readonly NaiveTransformer s_text = new NaiveTransformer
    {
        Width = 32,
        Layers = 3,
        Heads = 4,
        KvHeads = 2,
        HeadDim = 8,
        FeedForward = 48,
        Vocabulary = 128,
        Epsilon = 1e-6,
        ScoreScale = 1 / Math.Sqrt(8),
        Activation = NaiveTransformer.GeluTanh,
        RotationOf = layer => NaiveRotation.Plain(layer == 2 ? 1e6 : 1e4, 8),
        WindowOf = layer => layer == 2 ? int.MaxValue : Window,
        EmbeddingScale = Math.Sqrt(32),
        NormOffset = 1,
        HeadNorms = true,
        Tied = true,
        Norms = ["input", "post_attention", "pre_feedforward", "post_feedforward"],
    }.WithRandomWeights(9);

    private readonly TemporaryFolder _folder = new();

    private static NaiveTower Eye => new NaiveTower { Shuffle = 2, Pools = true, LlmWidth = 32 }.Randomised(7);

    public void Dispose() => _folder.Dispose();

    /// <summary>From file to logits: a picture's rows as plain loops make them, seeing each other, between Gemma's tokens.</summary>
    [Fact]
    public void A_prompt_with_a_picture_gives_the_logits_of_the_definition()
    {
        string path = Both();
        using Model model = Model.Load(path, new ModelOptions { Compute = ComputeMode.Float32 });
        using ImageEncoder encoder = ImageEncoder.Open(path, new ModelOptions { Compute = ComputeMode.Float32 });
        encoder.CheckFits(model);
        byte[] png = TowerTests.Png(24, 24);
        EncodedImage image = encoder.Encode(png, "x.png");
        var embeddings = new InputEmbeddings(encoder.Width);
        int[] shown = image.Ids(new LetterTokenizer(), embeddings), ids = [5, 9, .. shown, 17, 30, 41];
        int[] rows = [.. shown.Where(id => id < 0)];
        double[][] expected = Eye.Rows(encoder.Normalised(PictureReader.Read(png, "x.png")));
        NaiveTransformer naive = s_text with
        {
            Rows = rows.Zip(expected).ToDictionary(pair => pair.First, pair => pair.Second.Select(value => (float)value).ToArray()),
            LastSeen = t => ids[t] < 0 ? Array.FindLastIndex(ids, id => id < 0) : t,
        };
        double[] logits = naive.Logits(ids), causal = (naive with { LastSeen = t => t }).Logits(ids);
        using KvCache cache = model.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        using var batch = new Batch();
        batch.Add(cache, ids, LogitRows.Last, embeddings);
        model.Forward(batch);
        float[] actual = batch.Logits(0).ToArray();
        Assert.InRange(logits[^128..].Zip(actual, (a, b) => Math.Abs(a - b)).Max(), 0, 2e-3);
        Assert.True(logits[^128..].Zip(causal[^128..], (a, b) => Math.Abs(a - b)).Max() > 0.05);
    }

    [Fact]
    public void A_picture_of_any_shape_is_stretched_to_one_square_between_two_tokens()
    {
        using ImageEncoder encoder = ImageEncoder.Open(Both());
        byte[] png = TowerTests.Png(48, 24);
        EncodedImage image = encoder.Encode(png, "x.png");
        ImageLayout layout = encoder.LayoutOf(48, 24);
        Assert.Equal(["<start_of_image>", "", "<end_of_image>"], layout.Parts.Select(part => part.Text));
        Assert.Equal(9, layout.Rows);
        int[] ids = image.Ids(new LetterTokenizer(), new InputEmbeddings(encoder.Width));
        Assert.Equal(layout.Ids(new LetterTokenizer(), encoder.IdentityOf(SHA256.HashData(png))), ids);
        Picture square = Resizing.Linear(PictureReader.Read(png, "x.png"), 24, 24);
        double[] expected = [.. Eye.Rows(encoder.Normalised(square)).SelectMany(row => row)];
        float[] rows = image.ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.InRange(rows[i] - expected[i], -0.2, 0.2); // int8 products
    }

    private string Both()
    {
        TinyEncoder.Folder(Eye, _folder, text: Text, weights: writer =>
        {
            foreach ((string name, long[] shape) in s_text.Shapes())
                writer.Add("language_model." + name, shape, s_text.Weights[name]);
        });
        return _folder.Path;
    }
}
