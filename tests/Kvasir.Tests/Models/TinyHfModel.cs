using System.Text.Json.Nodes;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>Writes a reference transformer as a Hugging Face folder or a GGUF file, for the engine to load.</summary>
internal static class TinyHfModel
{
    public static Model Load(NaiveTransformer model, TemporaryFolder folder, string type, string settings)
    {
        JsonObject config = JsonNode.Parse(settings)!.AsObject();
        foreach ((string name, JsonNode value) in ((string, JsonNode)[])
            [
                ("model_type", type), ("num_hidden_layers", model.Layers), ("hidden_size", model.Width),
                    ("num_attention_heads", model.Heads), ("num_key_value_heads", model.KvHeads),
                ("head_dim", model.HeadDim), ("intermediate_size", model.FeedForward), ("vocab_size", model.Vocabulary),
                    (model.Centred ? "layer_norm_eps" : "rms_norm_eps", model.Epsilon), ("tie_word_embeddings", model.Tied),
            ])
            if (!config.ContainsKey(name)) config[name] = value;
        folder.File("config.json", config.ToJsonString());
        var writer = new SafetensorsWriter();
        foreach ((string name, long[] shape) in model.Shapes()) writer.Add(name, shape, model.Weights[name]);
        writer.Write(Path.Combine(folder.Path, "model.safetensors"));
        return Model.Load(folder.Path, new ModelOptions { Compute = ComputeMode.Float32 });
    }

    /// <summary>
    /// The same as a GGUF file: names as llama.cpp has them, rows of query and key in pairs of neighbours where its converter permutes
    /// them.
    /// </summary>
    public static string WriteGguf(
        NaiveTransformer model, TemporaryFolder folder, string architecture, bool permutes, params (string Key, object Value)[] metadata)
    {
        var writer = new GgufWriter();
        var values = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["block_count"] = (uint)model.Layers,
            ["context_length"] = 256u,
            ["embedding_length"] = (uint)model.Width,
            ["feed_forward_length"] = (uint)model.FeedForward,
            ["attention.head_count"] = (uint)model.Heads,
            ["attention.head_count_kv"] = (uint)model.KvHeads,
            ["attention.key_length"] = (uint)model.HeadDim,
            ["attention.value_length"] = (uint)model.ValueSize,
            [model.Centred ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"] = (float)model.Epsilon,
            ["rope.dimension_count"] = (uint)(2 * model.RotationOf(0).Frequencies.Length),
        };
        foreach ((string key, object value) in metadata) values[key] = value;
        writer.Add("general.architecture", architecture);
        foreach ((string key, object value) in values)
            writer.Add(key.StartsWith("tokenizer.", StringComparison.Ordinal) ? key : $"{architecture}.{key}", value);
        foreach ((string name, long[] shape) in model.Shapes())
        {
            float[] data = model.Weights[name];
            if (permutes && (name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("k_proj", StringComparison.Ordinal)))
                data = Neighbouring(data, model);
            writer.AddTensor(GgufName(name, architecture), TensorType.F32, shape, data);
        }
        string path = Path.Combine(folder.Path, architecture + ".gguf");
        writer.Write(path);
        return path;
    }

    private static string GgufName(string name, string architecture)
    {
        string[] parts = name.Split('.');
        string kind = parts[^1], module = parts[^2];
        if (parts is [_, _, _]) return $"{(module == "norm" ? "output_norm" : "token_embd")}.{kind}";
        if (parts is ["lm_head", _]) return $"output.{kind}";
        bool before = architecture is not ("olmo2" or "gemma3");
        return $"blk.{parts[2]}." + module switch
        {
            "q_proj" or "k_proj" or "v_proj" or "q_norm" or "k_norm" => "attn_" + module.Replace("_proj", "", StringComparison.Ordinal),
            "o_proj" => "attn_output",
            "input_layernorm" => "attn_norm",
            "post_attention_layernorm" => before ? "ffn_norm" : "post_attention_norm",
            "post_self_attn_layernorm" => "post_attention_norm",
            "pre_feedforward_layernorm" => "ffn_norm",
            "post_feedforward_layernorm" or "post_mlp_layernorm" => "post_ffw_norm",
            "gate_proj" => "ffn_gate",
            "up_proj" or "gate_up_proj" or "c_fc" => "ffn_up",
            "down_proj" or "c_proj" => "ffn_down",
            _ => throw new ArgumentException(name),
        } + "." + kind;
    }

    /// <summary>Row j and row j + half of every head's first rows, which turn, become rows 2j and 2j + 1.</summary>
    private static float[] Neighbouring(float[] rows, NaiveTransformer model)
    {
        int pairs = model.RotationOf(0).Frequencies.Length, width = rows.Length % (model.Width * model.HeadDim) == 0 ? model.Width : 1;
        float[] moved = [.. rows];
        for (int head = 0; head < rows.Length / width; head += model.HeadDim)
            for (int j = 0; j < 2 * pairs; j++)
                rows.AsSpan((head + j) * width, width)
                    .CopyTo(moved.AsSpan((head + (j < pairs ? 2 * j : 2 * (j - pairs) + 1)) * width, width));
        return moved;
    }
}
