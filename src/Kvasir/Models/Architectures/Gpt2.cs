using Kvasir.Formats;
using Kvasir.Numerics;

namespace Kvasir.Models.Architectures;

/// <summary>GPT-2: learned positions, LayerNorm, biases everywhere.</summary>
internal sealed class Gpt2 : Architecture
{
    public override IReadOnlyList<string> Names => ["gpt2"];

    public override IReadOnlyList<HfArchitecture> HuggingFace { get; } =
    [
        new()
        {
            Name = "gpt2",
            ModelTypes = ["gpt2"],
            Prefixes = ["transformer.", ""],
            BlockStem = "h.",
            Modules = new Dictionary<string, string> { ["wte"] = "token_embd", ["wpe"] = "position_embd", ["ln_f"] = "output_norm",
                ["lm_head"] = "output" },
            BlockModules = new Dictionary<string, string>
            {
                ["ln_1"] = "attn_norm",
                ["attn.c_attn"] = "attn_qkv",
                ["attn.c_proj"] = "attn_output",
                ["ln_2"] = "ffn_norm",
                ["mlp.c_fc"] = "ffn_up",
                ["mlp.c_proj"] = "ffn_down",
            },
            Ignored = [".attn.bias", ".attn.masked_bias"],
            Activations = ["gelu_new", "gelu_pytorch_tanh"],
            Defaults = new Dictionary<string, double> { ["layer_norm_epsilon"] = 1e-5, ["n_positions"] = 1024 },
            Transposed = true,
            Tied = true,
            Rotary = false,
            RmsNorm = false,
        },
    ];

    public override TransformerSpec Describe(ModelMetadata metadata, ModelConfig config) => new()
    {
        Norm = NormKind.Layer,
        NormEpsilon = metadata.Epsilon(NormKind.Layer),
        Activation = Activation.GeluTanh,
        AttentionScale = 1 / MathF.Sqrt(config.HeadDim),
        Layers = LayerSpec.Alike(config, rotary: null),
    };
}
