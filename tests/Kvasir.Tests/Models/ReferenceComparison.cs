using Kvasir.Models;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>Tests that hold the engine against a forward pass written out from the definition, on small models of random weights.</summary>
public abstract class ReferenceComparison : IDisposable
{
    protected const double Tolerance = 1e-4;

    private protected const int GemmaWindow = 16;

    private protected const string GemmaBases = """
        "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0
        """;

    /// <summary>A Llama of two layers with grouped heads, from which the models of the tests differ.</summary>
    private protected static readonly NaiveTransformer Llama = new NaiveTransformer
    {
        Layers = 2,
        Width = 40,
        Heads = 6,
        KvHeads = 2,
        HeadDim = 16,
        FeedForward = 56,
        Vocabulary = 50,
        Epsilon = 1e-5,
        ScoreScale = 1 / Math.Sqrt(16),
        Activation = NaiveTransformer.Silu,
        RotationOf = _ => NaiveRotation.Plain(10000, 16),
    }.WithRandomWeights(1);

    private protected readonly TemporaryFolder _folder = new();

    /// <summary>A Gemma 2 with a soft cap on its scores and a window on every other layer, for tests of attention's weights.</summary>
    private protected static NaiveTransformer Gemma2(int layers, int window, double softCap) => (Llama with
    {
        Layers = layers,
        Width = 32,
        FeedForward = 48,
        Epsilon = 1e-6,
        ScoreScale = 1 / Math.Sqrt(4),
        ScoreSoftCap = softCap,
        Activation = NaiveTransformer.GeluTanh,
        RotationOf = _ => NaiveRotation.Plain(1e4, 16),
        WindowOf = layer => layer % 2 == 0 ? window : int.MaxValue,
        EmbeddingScale = Math.Sqrt(32),
        NormOffset = 1,
        Norms = ["input", "post_attention", "pre_feedforward", "post_feedforward"],
        Tied = true,
    }).WithRandomWeights(6);

    /// <summary>The engine's model of a <see cref="Gemma2"/>.</summary>
    private protected Model LoadGemma2(NaiveTransformer naive, int window, double softCap, int context = 256) =>
        TinyHfModel.Load(naive, _folder, "gemma2", string.Create(CultureInfo.InvariantCulture, $$"""
            {"max_position_embeddings": {{context}}, "rope_theta": 10000.0, "hidden_activation": "gelu_pytorch_tanh",
             "query_pre_attn_scalar": 4, "sliding_window": {{window}}, "attn_logit_softcapping": {{softCap}}, "final_logit_softcapping": 30.0}
            """));

    /// <summary>Layer 5 of the seven is the global one.</summary>
    private protected static NaiveTransformer Gemma3() => (Llama with
    {
        Layers = 7,
        Width = 32,
        Heads = 4,
        FeedForward = 48,
        Epsilon = 1e-6,
        ScoreScale = 1 / Math.Sqrt(6),
        Activation = NaiveTransformer.GeluTanh,
        RotationOf = layer => NaiveRotation.Plain(layer == 5 ? 1e6 : 1e4, 16),
        WindowOf = layer => layer == 5 ? int.MaxValue : GemmaWindow,
        EmbeddingScale = Math.Sqrt(32),
        NormOffset = 1,
        HeadNorms = true,
        Norms = ["input", "post_attention", "pre_feedforward", "post_feedforward"],
        Tied = true,
    }).WithRandomWeights(3);

    private protected static string GemmaSettings(string more) =>
        $$"""{"max_position_embeddings": 256, "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 6,"""
            + $$""" "sliding_window": {{GemmaWindow}}, {{more}} }""";

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static int[] Ids(NaiveTransformer naive, int count = 60)
    {
        var random = new Random(4);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(naive.Vocabulary))];
    }

    private protected static double Difference(double[] expected, float[] actual) => expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();

    /// <summary>The engine's model gives the reference's logits.</summary>
    private protected static void Same(NaiveTransformer naive, Model model, int tokens = 60)
    {
        int[] ids = Ids(naive, tokens);
        Assert.InRange(Difference(naive.Logits(ids), GoldenLogitsTests.AllLogits(model, ids)), 0, Tolerance);
    }

    private protected void SameHf(NaiveTransformer naive, string type, string settings)
    {
        using Model model = TinyHfModel.Load(naive, _folder, type, settings);
        Same(naive, model);
    }

    private protected void SameGguf(
        NaiveTransformer naive, string architecture, bool permutes, params (string Key, object Value)[] metadata)
    {
        string path = TinyHfModel.WriteGguf(naive, _folder, architecture, permutes, metadata);
        using Model model = Model.Load(path, new ModelOptions { Compute = ComputeMode.Float32 });
        Same(naive, model);
    }

    /// <summary>What each variant leaves out or changes is seen in the logits, far beyond what is tolerated.</summary>
    private protected static void Noticed(NaiveTransformer naive, double least, params ReadOnlySpan<NaiveTransformer> variants)
    {
        int[] ids = Ids(naive);
        double[] expected = naive.Logits(ids);
        Assert.InRange(Math.Sqrt(expected.Sum(logit => logit * logit) / expected.Length), 0.5, 4);
        for (int i = 0; i < variants.Length; i++)
        {
            double change = Difference(expected, [.. variants[i].Logits(ids).Select(logit => (float)logit)]);
            Assert.True(change > least, $"variant {i} changes the logits by {change} only");
        }
    }
}
