using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>Settings that change what a model computes are understood or refused by name; all others do not matter.</summary>
public sealed class SettingsTests : ReferenceComparison
{
    private static readonly NaiveTransformer Tied = (Llama with { Tied = true }).WithRandomWeights(1);

    public static TheoryData<string, object> Refused => new()
    {
        { "logit_scale", 0.5f },
        { "residual_scale", 0.5f },
        { "attn_logit_softcapping", 50f },
        { "attention.clamp_kqv", 8f },
        { "attention.max_alibi_bias", 8f },
        { "attention.key_length_swa", 8u },
        { "attention.temperature_scale", 0.1f },
        { "rope.scaling.type", "spiral" },
        { "rope.scaling.type", "longrope" },
        { "rope.dimension_sections", new[] { 1, 1, 1, 1 } },
        { "use_parallel_residual", true },
        { "attention.sink_tokens", 4u },
        { "pooling_type", 4u },
        { "rope.scaling.factor", -2f },
        { "rope.freq_base", 0f },
        { "attention.head_count_kv", new[] { 2, 1 } },
        { "attention.head_count", new[] { 6, 4 } },
        { "attention.layer_norm_rms_epsilon", float.NaN },
        { "context_length", 0u },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Gguf_settings_that_are_not_understood_are_refused_by_name(string key, object value)
    {
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => Gguf((key, value)));
        Assert.Contains("llama.gguf", error.Message, StringComparison.Ordinal);
        Assert.Contains(key switch
        {
            "rope.scaling.type" => "rope",
            "attention.head_count_kv" or "attention.head_count" =>
            "head_count",
            "attention.layer_norm_rms_epsilon" => "epsilon",
            _ => key
        }, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    public static TheoryData<string, object> Harmless => new()
    {
        { "some.note", "of no effect" },
        { "training_tokens", ulong.MaxValue },
        { "vocab_size", ulong.MaxValue },
        { "logit_scale", 1f },
        { "residual_scale", 0f },
        { "attention.causal", true },
        { "rope.scaling.finetuned", true },
        { "expert_count", 0u },
        { "expert_used_count", 0u },
        { "attention.head_count_kv", new[] { 2, 2 } },
        { "attention.head_count", new[] { 6, 6 } },
        { "feed_forward_length", new[] { 56, 56 } },
        { "context_length", 1UL << 40 },
        { "rope.scaling.type", "none" },
    };

    [Theory]
    [MemberData(nameof(Harmless))]
    public void Gguf_settings_without_effect_do_not_hinder(string key, object value)
    {
        using Model model = Gguf((key, value));
        Same(Tied, model, tokens: 5);
    }

    [Fact]
    public void Stray_huge_numbers_do_not_hinder()
    {
        string path = TinyHfModel.WriteGguf(
            Tied, _folder, "llama", permutes: true, ("x", ulong.MaxValue), ("y", new[] { 1UL, ulong.MaxValue }));
        using ModelFile file = ModelFiles.Open(path);
        Assert.Equal(ulong.MaxValue, file.Metadata["llama.x"]);
        Assert.Throws<InvalidInputException>(() => file.Get("llama.x", 1L));
    }

    [Fact]
    public void Linear_scaling_is_read_under_its_old_names()
    {
        foreach ((string Key, object Value)[] settings in ((string, object)[][])[[("rope.scale_linear", 4f)], [("rope.scaling.factor", 4f)],
            [("rope.scaling.type", "linear"), ("rope.scale_linear", 4f)], [("rope.scale_linear", 9f), ("rope.scaling.factor", 4f)]])
        {
            NaiveTransformer stretched = Tied with { RotationOf = layer => Tied.RotationOf(layer).Stretched(4) };
            using Model model = Gguf(settings);
            Same(stretched, model, tokens: 20);
            Noticed(stretched, 0.05, Tied);
        }
    }

    [Theory]
    [InlineData("\"mscale\": 0.7, \"mscale_all_dim\": 1.3", 0.7, 1.3, true)]
    [InlineData("\"mscale\": 0.7", 1, 0, true)]
    [InlineData("\"mscale\": 1.0, \"mscale_all_dim\": 1.0, \"truncate\": true", 1, 1, true)]
    [InlineData("\"truncate\": false", 1, 0, false)]
    public void Yarn_follows_its_further_settings(string more, double own, double all, bool truncate)
    {
        double growth = 0.1 * Math.Log(8);
        NaiveRotation yarn = NaiveRotation.Yarn(
            10000, 16, 8, original: 400, truncate) with
        { Magnitude = (1 + own * growth) / (1 + all * growth) };
        NaiveTransformer naive = Tied with { RotationOf = _ => yarn };
        string config =
            $$"""{"rope_theta": 10000.0, "max_position_embeddings": 3200, "rope_scaling": {"type": "yarn", "factor": 8.0,"""
                + $$""" "original_max_position_embeddings": 400, {{more}} } }""";
        SameHf(naive, "llama", config);
        if (!truncate) Assert.NotEqual(NaiveRotation.Yarn(10000, 16, 8, original: 400).Frequencies, yarn.Frequencies);
    }

    [Fact]
    public void Yarn_of_a_gguf_divides_by_its_log_multiplier()
    {
        double growth = 0.1 * Math.Log(8);
        NaiveTransformer naive = Tied with
        {
            RotationOf = _ =>
            NaiveRotation.Yarn(10000, 16, 8, original: 40) with { Magnitude = 1.5 * (1 + growth) / (1 + 0.6 * growth) }
        };
        using Model model = Gguf(("rope.scaling.type", "yarn"), ("rope.scaling.factor", 8f), ("rope.scaling.original_context_length", 40u),
            ("rope.scaling.yarn_log_multiplier", 0.6f), ("rope.scaling.attn_factor", 1.5f));
        Same(naive, model);
    }

    [Theory]
    [InlineData("logit_scale", "0.5")]
    [InlineData("residual_multiplier", "0.22")]
    [InlineData("embedding_multiplier", "12")]
    [InlineData("attention_bias", "true")]
    [InlineData("layer_types", "[\"full_attention\", \"linear_attention\"]")]
    [InlineData("layer_types", "[\"full_attention\"]")]
    [InlineData("no_rope_layers", "[1, 0]")]
    [InlineData("use_qk_norm", "true")]
    [InlineData("clip_qkv", "8.0")]
    [InlineData("alibi", "true")]
    [InlineData("parallel_attn", "true")]
    [InlineData("rope_interleaved", "true")]
    [InlineData("attn_output_multiplier", "2")]
    [InlineData("rope_scaling", """{"rope_type": "spiral", "factor": 2.0}""")]
    [InlineData("rope_scaling", """{"factor": 2.0}""")]
    [InlineData("rope_scaling", """{"rope_type": "dynamic", "factor": 2.0, "alpha": 1000.0}""")]
    [InlineData("rope_scaling", """{"rope_type": "default", "mrope_section": [1, 1, 2]}""")]
    [InlineData("rope_scaling", """{"rope_type": "yarn", "factor": 4.0, "temperature": 2.0}""")]
    public void Hugging_face_settings_that_are_not_understood_are_refused_by_name(string name, string value)
    {
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => Hf(name, value));
        Assert.Contains("config.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("attention_bias", "false")]
    [InlineData("attention_dropout", "0.1")]
    [InlineData("_attn_implementation_autoset", "true")]
    [InlineData("pretraining_tp", "4")]
    [InlineData("use_mrope", "false")]
    [InlineData("residual_multiplier", "1.0")]
    [InlineData("layer_types", "[\"full_attention\", \"full_attention\"]")]
    [InlineData("sliding_window", "null")]
    [InlineData("initializer_range", "0.02")]
    [InlineData("rope_scaling", "null")]
    [InlineData("rope_scaling", """{"rope_type": "dynamic", "factor": 2.0}""")]
    [InlineData("rope_parameters", """{"rope_type": "default", "rope_theta": 10000.0}""")]
    [InlineData("max_length", "1000000000000000019884624838656")]
    public void Hugging_face_settings_without_effect_do_not_hinder(string name, string value)
    {
        using Model model = Hf(name, value);
        Same(Tied, model, tokens: 5);
    }

    [Theory]
    [InlineData("model_type", "\"mixtral\"", "num_local_experts", "8")]
    [InlineData("model_type", "\"qwen3_moe\"", "x", "0")]
    [InlineData("model_type", "\"llama\"", "num_experts", "16")]
    public void Mixtures_of_experts_are_refused_as_such(string name, string value, string other, string count) =>
        Assert.Contains("mixture of experts",
            Assert.Throws<InvalidInputException>(() => Hf(name, value + $", \"{other}\": {count}")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen3moe")]
    public void Mixtures_of_experts_in_gguf_are_refused_as_such(string architecture)
    {
        string path = TinyHfModel.WriteGguf(Tied, _folder, architecture, permutes: true, ("expert_count", 8u));
        Assert.Contains("mixture of experts", Assert.Throws<InvalidInputException>(() => Model.Load(path)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("output_norm.weight")]
    [InlineData("blk.1.attn_norm.weight")]
    [InlineData("blk.0.ffn_norm.weight")]
    public void A_missing_norm_is_refused_by_name(string gguf) => RefusedByName(Tied, gguf, "_" + gguf[1..], named: gguf);

    [Fact]
    public void A_missing_epsilon_is_refused_by_name() =>
        RefusedByName(Tied, "rms_epsilon", "_ms_epsilon", named: "attention.layer_norm_rms_epsilon");

    [Fact]
    public void A_tensor_of_a_layer_that_is_not_used_is_refused_by_name()
    {
        NaiveTransformer biased = (Tied with { Biased = ["o_proj"] }).WithRandomWeights(2);
        RefusedByName(biased, "blk.1.attn_output.bias", "blk.1.attn_sinks12.bia", named: "blk.1.attn_sinks12");
    }

    /// <summary>
    /// A file in which a name was replaced by another of the same length is refused with a message that says <paramref name="named"/>.
    /// </summary>
    private void RefusedByName(NaiveTransformer naive, string name, string other, string named)
    {
        string path = TinyHfModel.WriteGguf(naive, _folder, "llama", permutes: true);
        byte[] bytes = File.ReadAllBytes(path);
        Encoding.ASCII.GetBytes(other).CopyTo(bytes, bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(name)));
        File.WriteAllBytes(path, bytes);
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => Model.Load(path)).Message, StringComparison.Ordinal);
    }

    private Model Gguf(params (string Key, object Value)[] metadata) =>
        Model.Load(TinyHfModel.WriteGguf(Tied, _folder, "llama", permutes: true, metadata),
            new ModelOptions { Compute = ComputeMode.Float32 });

    private Model Hf(string name, string value) =>
        TinyHfModel.Load(Tied, _folder, "llama", $$"""{"rope_theta": 10000.0, "max_position_embeddings": 64, "{{name}}": {{value}} }""");
}
