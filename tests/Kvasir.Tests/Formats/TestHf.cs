using Kvasir.Formats;

namespace Kvasir.Tests.Formats;

/// <summary>Small Hugging Face folders made on the spot.</summary>
internal static class TestHf
{
    public const string LlamaConfig = """
        {
          "model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "vocab_size": 10,
          "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-05,
          "rope_theta": 10000.0, "hidden_act": "silu", "eos_token_id": [3, 4], "bos_token_id": 1,
          "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
        }
        """;

    public static readonly (string Name, long[] Shape)[] LlamaTensors =
    [
        ("model.embed_tokens.weight", [10, 16]),
        ("model.norm.weight", [16]),
        ("lm_head.weight", [10, 16]),
        ("model.layers.0.input_layernorm.weight", [16]),
        ("model.layers.0.self_attn.q_proj.weight", [16, 16]),
        ("model.layers.0.self_attn.k_proj.weight", [8, 16]),
        ("model.layers.0.self_attn.v_proj.weight", [8, 16]),
        ("model.layers.0.self_attn.o_proj.weight", [16, 16]),
        ("model.layers.0.post_attention_layernorm.weight", [16]),
        ("model.layers.0.mlp.gate_proj.weight", [24, 16]),
        ("model.layers.0.mlp.up_proj.weight", [24, 16]),
        ("model.layers.0.mlp.down_proj.weight", [16, 24]),
    ];

    public static void WriteLlama(TemporaryFolder folder, string config = LlamaConfig) => Write(folder, config, LlamaTensors);

    public static void Write(TemporaryFolder folder, string config, params IEnumerable<(string Name, long[] Shape)> tensors)
    {
        folder.File("config.json", config);
        WriteWeights(folder, "model.safetensors", tensors);
    }

    public static void WriteWeights(TemporaryFolder folder, string name, IEnumerable<(string Name, long[] Shape)> tensors)
    {
        var writer = new SafetensorsWriter();
        foreach ((string tensor, long[] shape) in tensors) writer.Add(tensor, shape, TestGguf.Ramp((int)shape.Aggregate((a, b) => a * b)));
        writer.Write(Path.Combine(folder.Path, name));
    }
}
