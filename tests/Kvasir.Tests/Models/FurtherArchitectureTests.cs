using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>
/// Architectures of 2024 and 2025, read from a Hugging Face folder and from a GGUF file, against a forward pass written out from their
/// definitions. Each test also shows that it would notice: with the feature in question left out or changed, the logits differ by far more
/// than is tolerated.
/// </summary>
public sealed class FurtherArchitectureTests : ReferenceComparison
{
    private const int Window = 16;

    [Fact]
    public void StarCoder2_gives_the_logits_of_its_definition()
    {
        NaiveTransformer model = (Llama with
        {
            Centred = true,
            Biased = ["_proj", "c_fc", "norm"],
            FeedForwardNames = [null, "c_fc", "c_proj"],
            Activation = NaiveTransformer.GeluTanh,
            Tied = true,
            WindowOf = _ => Window,
        }).WithRandomWeights(11);
        Same(model, "starcoder2",
            $$"""{"rope_theta": 10000.0, "max_position_embeddings": 256, "hidden_act": "gelu_pytorch_tanh", "use_bias": true,"""
            + $$""" "sliding_window": {{Window}}, "attention_dropout": 0.1, "norm_type": "layer_norm", "norm_epsilon": 1e-5,"""
            + $$""" "layer_norm_eps": null}""",
            model with { Centred = false },
            model with { Activation = NaiveTransformer.Silu },
            model with { WindowOf = _ => int.MaxValue },
            model with
            {
                Weights = model.Weights.Where(weight => !weight.Key.EndsWith("_proj.bias", StringComparison.Ordinal))
                .ToDictionary()
            });
        SameGguf(model, "starcoder2", permutes: false, ("attention.sliding_window", (uint)Window));
    }

    [Fact]
    public void SmolLm3_leaves_every_fourth_layer_without_rotation()
    {
        NaiveTransformer rotated = Llama with { Layers = 5, Tied = true };
        NaiveTransformer model = (rotated with { RotationOf = layer => layer == 3 ? NaiveRotation.None : rotated.RotationOf(layer) })
            .WithRandomWeights(12);
        NaiveTransformer[] wrong =
            [model with { RotationOf = rotated.RotationOf },
                model with { RotationOf = layer => layer == 0 ? NaiveRotation.None : rotated.RotationOf(layer) }];
        Same(model, "smollm3",
            """{"rope_theta": 10000.0, "max_position_embeddings": 256, "no_rope_layer_interval": 4, "use_sliding_window": false,"""
            + """ "sliding_window": null, "attention_bias": false, "mlp_bias": false}""", wrong);
        Same(model, "smollm3",
            """{"rope_theta": 10000.0, "max_position_embeddings": 256, "no_rope_layers": [1, 1, 1, 0, 1],"""
            + """ "layer_types": ["full_attention", "full_attention", "full_attention", "full_attention", "full_attention"]}""", wrong);
        SameGguf(model, "smollm3", permutes: true);
    }

    [Fact]
    public void SmolLm3_takes_the_layers_without_rotation_from_the_configuration()
    {
        NaiveTransformer rotated = Llama with { Tied = true };
        NaiveTransformer model = (rotated with { RotationOf = layer => layer == 0 ? NaiveRotation.None : rotated.RotationOf(layer) })
            .WithRandomWeights(13);
        Same(model, "smollm3", """{"rope_theta": 10000.0, "max_position_embeddings": 256, "no_rope_layers": [0, 1]}""",
            model with { RotationOf = rotated.RotationOf });
    }

    [Fact]
    public void Granite_gives_the_logits_of_its_definition()
    {
        NaiveTransformer model = (Llama with { EmbeddingScale = 3, ScoreScale = 0.2, ResidualScale = 0.4, LogitScale = 1 / 1.5 })
            .WithRandomWeights(14);
        Same(model, "granite",
            """{"rope_theta": 10000.0, "max_position_embeddings": 256, "embedding_multiplier": 3.0, "attention_multiplier": 0.2,"""
            + """ "residual_multiplier": 0.4, "logits_scaling": 1.5, "attention_bias": false}""",
            model with { EmbeddingScale = 1 },
            model with { ScoreScale = 1 / Math.Sqrt(16) },
            model with { ResidualScale = 1 },
            model with { LogitScale = 1.5 });
        SameGguf(model, "granite", permutes: true, ("embedding_scale", 3f), ("attention.scale", 0.2f), ("residual_scale", 0.4f),
            ("logit_scale", 1.5f));
    }

    [Fact]
    public void Olmo2_gives_the_logits_of_its_definition()
    {
        NaiveTransformer model = (Llama with { WholeNorms = true, Norms = [null, "post_attention", null, "post_feedforward"] })
            .WithRandomWeights(15);
        Same(model, "olmo2", """{"rope_theta": 10000.0, "max_position_embeddings": 256, "attention_bias": false}""",
            model with { WholeNorms = false },
            model with { Norms = [null, null, null, "post_feedforward"] },
            model with { Norms = [null, "post_attention", null, null] },
            model with { Norms = ["post_attention", null, "post_feedforward", null] });
        SameGguf(model, "olmo2", permutes: false);
    }

    [Fact]
    public void Command_r_gives_the_logits_of_its_definition()
    {
        NaiveTransformer model = CommandR().WithRandomWeights(16);
        Same(model, "cohere",
            """{"rope_theta": 10000.0, "max_position_embeddings": 256, "logit_scale": 0.5, "use_qk_norm": false,"""
            + """ "attention_bias": false}""",
            model with { Parallel = false, Norms = ["input", null, "input", null] },
            model with { Centred = false },
            model with { LogitScale = 1 },
            model with { RotationOf = layer => model.RotationOf(layer) with { Neighbours = false } });
        SameGguf(model, "command-r", permutes: false, ("logit_scale", 0.5f), ("rope.scaling.type", "none"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(", \"sliding_window_pattern\": 4")]
    [InlineData(
        ", \"_sliding_window_pattern\": 4, \"layer_types\": [\"sliding_attention\", \"sliding_attention\", \"sliding_attention\", "
        + "\"full_attention\", \"sliding_attention\"]")]
    public void Cohere2_slides_and_rotates_three_layers_of_four(string pattern)
    {
        NaiveTransformer first = CommandR() with { Layers = 5 };
        NaiveTransformer model =
            (first with
            {
                WindowOf = layer => layer == 3 ? int.MaxValue : Window,
                RotationOf = layer =>
                layer == 3 ? NaiveRotation.None : first.RotationOf(layer)
            }).WithRandomWeights(17);
        Same(model, "cohere2",
            $$"""{"rope_theta": 10000.0, "max_position_embeddings": 256, "logit_scale": 0.5, "sliding_window": {{Window}},"""
            + $$""" "cache_implementation": "hybrid", "position_embedding_type": "rope_gptj","""
            + $$""" "order_of_interleaved_layers": "local_attn_first", "use_parallel_block": true, "use_parallel_embedding": true,"""
            + $$""" "rotary_pct": 1.0 {{pattern}} }""",
            model with { RotationOf = first.RotationOf },
            model with { WindowOf = _ => Window },
            model with { WindowOf = _ => int.MaxValue });
        SameGguf(model, "cohere2", permutes: false, ("logit_scale", 0.5f), ("attention.sliding_window", (uint)Window),
            ("rope.scaling.type", "none"));
    }

    [Fact]
    public void Glm4_gives_the_logits_of_its_definition()
    {
        NaiveTransformer model = (Llama with
        {
            Norms = ["input", "post_self_attn", "post_attention", "post_mlp"],
            FeedForwardNames = ["gate_up_proj", "gate_up_proj", "down_proj"],
            Biased = ["q_proj", "k_proj", "v_proj"],
            RotationOf = _ => NaiveRotation.Plain(10000, 8) with { Neighbours = true },
        }).WithRandomWeights(18);
        Same(model, "glm4",
            """{"rope_theta": 10000.0, "max_position_embeddings": 256, "partial_rotary_factor": 0.5, "attention_bias": true}""",
            model with { Norms = ["input", null, "post_attention", "post_mlp"] },
            model with { Norms = ["input", "post_self_attn", "post_attention", null] },
            model with { RotationOf = _ => NaiveRotation.Plain(10000, 8) },
            model with { RotationOf = _ => NaiveRotation.Plain(10000, 16) with { Neighbours = true } });
        SameGguf(model, "glm4", permutes: false);
    }

    private static NaiveTransformer CommandR() => Llama with
    {
        Centred = true,
        Parallel = true,
        Norms = ["input", null, null, null],
        RotationOf = _ => NaiveRotation.Plain(10000, 16) with { Neighbours = true },
        LogitScale = 0.5,
        Tied = true,
    };

    private void Same(NaiveTransformer naive, string type, string settings, params ReadOnlySpan<NaiveTransformer> different)
    {
        Noticed(naive, 0.02, different);
        SameHf(naive, type, settings);
    }
}
