using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>
/// Architectures without golden logits, held against a forward pass written out from their definitions. Every test also shows that
/// it would notice: with the feature in question left out or changed, the logits differ by far more than is tolerated.
/// </summary>
[Trait("Category", "Kernels")]
public sealed class ReferenceArchitectureTests : ReferenceComparison
{
    private const int Window = 16;

    /// <summary>Models that were trained with thin keys: query and key have fewer channels than a value, or more.</summary>
    [Theory]
    [InlineData(4, 16)]
    [InlineData(6, 34)]
    [InlineData(16, 8)]
    public void Keys_and_values_of_different_sizes_give_the_logits_of_their_definition(int keySize, int valueSize)
    {
        NaiveTransformer thin = (Llama with
        {
            HeadDim = keySize,
            ValueDim = valueSize,
            ScoreScale = 1 / Math.Sqrt(keySize),
            RotationOf = _ => NaiveRotation.Plain(10000, keySize),
        }).WithRandomWeights(21);
        Noticed(thin, 0.02,
            thin with { ScoreScale = 1 / Math.Sqrt(valueSize) },
            thin with { RotationOf = _ => NaiveRotation.Plain(10000, 2) });
        SameGguf(thin, "llama", permutes: true);
    }

    [Theory]
    [InlineData("k=f32,v=f32", 1e-4)]
    [InlineData("k=f16,v=f16", 1e-2)]
    [InlineData("k=q8,v=q8", 5e-2)]
    [InlineData("k=kivi4,v=kivi4", 1)]
    public void Thin_keys_are_kept_by_every_codec_at_their_own_size(string policy, double tolerance)
    {
        NaiveTransformer thin = (Llama with
        {
            HeadDim = 8,
            ValueDim = 32,
            ScoreScale = 1 / Math.Sqrt(8),
            RotationOf = _ => NaiveRotation.Plain(10000, 8),
        }).WithRandomWeights(22);
        string path = TinyHfModel.WriteGguf(thin, _folder, "llama", permutes: true);
        using Model model = Model.Load(path, new ModelOptions { Compute = ComputeMode.Float32 });
        int[] ids = Ids(thin, 130);
        using KvCache cache = model.NewCache(KvPolicy.Parse(policy));
        using var batch = new Batch();
        foreach (int[] part in new[] { ids[..128], ids[128..] })
        {
            batch.Clear();
            batch.Add(cache, part);
            model.Forward(batch);
        }
        double[] expected = thin.Logits(ids)[^thin.Vocabulary..];
        Assert.InRange(Difference(expected, batch.Logits(0).ToArray()), 0, tolerance);
        Assert.Equal(2.0 * thin.Layers * thin.KvHeads * 130 * (8 + 32), cache.BytesF16);
    }

    [Fact]
    public void Qwen3_gives_the_logits_of_its_definition()
    {
        NaiveTransformer qwen = Qwen3();
        Same(qwen, "qwen3",
            """{"rope_theta": 1000000.0, "max_position_embeddings": 256, "hidden_act": "silu", "use_sliding_window": false,"""
            + """ "sliding_window": 16, "max_window_layers": 1}""",
            qwen with { HeadNorms = false },
            qwen with { RotationOf = _ => NaiveRotation.Plain(10000, qwen.HeadDim) },
            qwen with { ScoreScale = 1 / Math.Sqrt((double)qwen.Width / qwen.Heads) },
            qwen with { WindowOf = _ => Window });
    }

    [Theory]
    [InlineData("\"max_window_layers\": 1")]
    [InlineData("\"layer_types\": [\"full_attention\", \"sliding_attention\"]")]
    public void Qwen3_slides_its_window_on_upper_layers_only(string layers)
    {
        NaiveTransformer full = Qwen3(), qwen = full with { WindowOf = layer => layer >= 1 ? Window : int.MaxValue };
        Same(qwen, "qwen3",
            $$"""{"rope_theta": 1000000.0, "max_position_embeddings": 256, "use_sliding_window": true, "sliding_window": {{Window}},"""
            + $$""" {{layers}}}""", full, full with { WindowOf = _ => Window });
    }

    [Fact]
    public void Qwen3_has_no_window_unless_it_is_switched_on()
    {
        NaiveTransformer qwen = Qwen3();
        Same(qwen, "qwen3", $$"""{"rope_theta": 1000000.0, "max_position_embeddings": 256, "sliding_window": {{Window}}}""",
            qwen with { WindowOf = _ => Window });
    }

    [Fact]
    public void Gemma3_gives_the_logits_of_its_definition()
    {
        NaiveTransformer gemma = Gemma3();
        Same(gemma, "gemma3_text", GemmaSettings(GemmaBases),
            gemma with { WindowOf = _ => int.MaxValue },
            gemma with { WindowOf = _ => GemmaWindow },
            gemma with { WindowOf = layer => layer == 5 ? int.MaxValue : GemmaWindow + 1 },
            gemma with { RotationOf = _ => NaiveRotation.Plain(1e6, gemma.HeadDim) },
            gemma with { RotationOf = _ => NaiveRotation.Plain(1e4, gemma.HeadDim) },
            gemma with { HeadNorms = false },
            gemma with { NormOffset = 0 },
            gemma with { EmbeddingScale = 1 },
            gemma with { Activation = NaiveTransformer.Silu },
            gemma with { ScoreScale = 1 / Math.Sqrt(gemma.HeadDim) });
    }

    [Theory]
    [InlineData($$"""
        {{GemmaBases}}, "rope_scaling": {"rope_type": "linear", "factor": 8.0}
        """)]
    [InlineData("""
        "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}
        """)]
    public void Gemma3_stretches_positions_on_global_layers_only(string rotation)
    {
        NaiveTransformer plain = Gemma3(),
            gemma = plain with { RotationOf = layer => layer == 5 ? plain.RotationOf(layer).Stretched(8) : plain.RotationOf(layer) };
        Same(gemma, "gemma3_text", GemmaSettings(rotation), plain,
            plain with { RotationOf = layer => plain.RotationOf(layer).Stretched(8) });
    }

    [Theory]
    [InlineData("\"sliding_window_pattern\": 3", 3)]
    [InlineData("\"sliding_window_pattern\": 1", 1)]
    [InlineData(
        "\"layer_types\": [\"sliding_attention\", \"sliding_attention\", \"full_attention\", \"sliding_attention\", "
        + "\"sliding_attention\", \"full_attention\", \"sliding_attention\"]", 3)]
    public void Gemma3_takes_the_pattern_of_its_layers_from_the_configuration(string pattern, int period)
    {
        NaiveTransformer usual = Gemma3(),
            gemma = usual with { WindowOf = layer => usual.WindowOf(Like(layer)), RotationOf = layer => usual.RotationOf(Like(layer)) };
        Same(gemma, "gemma3_text", GemmaSettings($"{GemmaBases}, {pattern}"), usual);

        int Like(int layer) => layer % period == period - 1 ? 5 : 0;
    }

    [Fact]
    public void Mistral_gives_the_logits_of_its_definition()
    {
        NaiveTransformer mistral = Mistral();
        Same(mistral, "mistral", MistralSettings,
            mistral with { WindowOf = _ => int.MaxValue },
            mistral with { WindowOf = _ => Window - 1 },
            mistral with { WindowOf = _ => Window + 1 },
            mistral with { WindowOf = layer => layer == 0 ? Window : int.MaxValue },
            mistral with { ScoreScale = 1 / Math.Sqrt((double)mistral.Width / mistral.Heads) });
    }

    [Fact]
    public void Window_slides_over_a_cache_filled_piece_by_piece()
    {
        NaiveTransformer mistral = Mistral();
        using Model model = TinyHfModel.Load(mistral, _folder, "mistral", MistralSettings);
        int[] ids = Ids(mistral, 150);
        float[] actual = new float[ids.Length * mistral.Vocabulary];
        using KvCache cache = model.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        using var batch = new Batch();
        for (int done = 0; done < ids.Length;)
        {
            int count = done is 0 or 70 ? 47 : 1;
            batch.Clear();
            batch.Add(cache, ids.AsSpan(done, count), LogitRows.All);
            model.Forward(batch);
            for (int row = 0; row < count; row++) batch.Logits(row).CopyTo(actual.AsSpan((done + row) * mistral.Vocabulary));
            done += count;
        }
        Assert.InRange(Difference(mistral.Logits(ids), actual), 0, Tolerance);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1.5)]
    public void Yarn_gives_the_logits_of_its_definition(double? magnitude)
    {
        const double factor = 4;
        const int original = 1024;
        NaiveTransformer plain = Mistral() with { HeadDim = 32, WindowOf = _ => int.MaxValue, ScoreScale = 1 / Math.Sqrt(32) };
        NaiveRotation unscaled = NaiveRotation.Plain(10000, 32), yarn = NaiveRotation.Yarn(10000, 32, factor, original);
        if (magnitude is { } given) yarn = yarn with { Magnitude = given };
        NaiveTransformer llama = (plain with { RotationOf = _ => yarn }).WithRandomWeights(5);
        string more = magnitude is null ? "" : string.Create(CultureInfo.InvariantCulture, $", \"attention_factor\": {magnitude}");
        Same(llama, "llama",
            $$"""{"rope_theta": 10000.0, "max_position_embeddings": 4096, "rope_scaling": {"rope_type": "yarn", "factor": {{factor}}.0,"""
            + $$""" "original_max_position_embeddings": {{original}}{{more}}} }""",
            llama with { RotationOf = _ => unscaled },
            llama with { RotationOf = _ => yarn with { Magnitude = 1 } },
            llama with { RotationOf = _ => unscaled with { Magnitude = yarn.Magnitude } },
            llama with { RotationOf = _ => unscaled.Stretched(factor) with { Magnitude = yarn.Magnitude } },
            llama with { RotationOf = _ => NaiveRotation.Yarn(10000, 32, factor, original: 4096) with { Magnitude = yarn.Magnitude } });
    }

    private const string MistralSettings =
        """{"rope_theta": 10000.0, "max_position_embeddings": 256, "hidden_act": "silu", "sliding_window": 16}""";

    private static NaiveTransformer Qwen3() =>
        (Llama with { Epsilon = 1e-6, RotationOf = _ => NaiveRotation.Plain(1e6, 16), HeadNorms = true, Tied = true }).WithRandomWeights(1);

    private static NaiveTransformer Mistral() => (Llama with { WindowOf = _ => Window }).WithRandomWeights(2);

    private void Same(NaiveTransformer naive, string type, string settings, params ReadOnlySpan<NaiveTransformer> different)
    {
        Noticed(naive, 0.5, different);
        SameHf(naive, type, settings);
    }
}
