using System.Text.Json.Nodes;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;
using Kvasir.Tests.Formats;

namespace Kvasir.Tests.Models;

/// <summary>A small model of random weights: its naive form, and the same in a Hugging Face folder for the engine to load.</summary>
internal static class TinyHfModel
{
    /// <summary>The transformer with random weights: activations and logits of the size that trained models have.</summary>
    public static NaiveTransformer WithRandomWeights(this NaiveTransformer model, int seed)
    {
        var random = new Random(seed);
        var weights = new Dictionary<string, float[]>();
        foreach ((string name, long[] shape) in Shapes(model))
        {
            bool bias = name.EndsWith(".bias", StringComparison.Ordinal), norm = shape.Length == 1;
            double spread = norm ? 0.3 : name.Contains("embed", StringComparison.Ordinal) || name.StartsWith("lm_head", StringComparison.Ordinal) ? 2 / Math.Sqrt(model.Width) : 1.2 / Math.Sqrt(shape[1]);
            double mean = norm && !bias ? 1 - model.NormOffset : 0;
            weights[name] = [.. Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(_ => (float)(mean + spread * Normal(random)))];
        }
        return model with { Weights = weights };
    }

    public static Model Load(NaiveTransformer model, TemporaryFolder folder, string type, string settings)
    {
        JsonObject config = JsonNode.Parse(settings)!.AsObject();
        foreach ((string name, JsonNode value) in ((string, JsonNode)[])
            [
                ("model_type", type), ("num_hidden_layers", model.Layers), ("hidden_size", model.Width), ("num_attention_heads", model.Heads), ("num_key_value_heads", model.KvHeads),
                ("head_dim", model.HeadDim), ("intermediate_size", model.FeedForward), ("vocab_size", model.Vocabulary), (model.Centred ? "layer_norm_eps" : "rms_norm_eps", model.Epsilon), ("tie_word_embeddings", model.Tied),
            ])
            if (!config.ContainsKey(name)) config[name] = value;
        folder.Write("config.json", config.ToJsonString());
        var writer = new SafetensorsWriter();
        foreach ((string name, long[] shape) in Shapes(model)) writer.Add(name, shape, model.Weights[name]);
        writer.Write(Path.Combine(folder.Path, "model.safetensors"));
        return Model.Load(folder.Path, new ModelOptions { Compute = ComputeMode.Float32 });
    }

    /// <summary>The same as a GGUF file: names as llama.cpp has them, rows of query and key in pairs of neighbours where its converter permutes them.</summary>
    public static string WriteGguf(NaiveTransformer model, TemporaryFolder folder, string architecture, bool permutes, params (string Key, object Value)[] metadata)
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
            ["attention.value_length"] = (uint)model.HeadDim,
            [model.Centred ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"] = (float)model.Epsilon,
            ["rope.dimension_count"] = (uint)(2 * model.RotationOf(0).Frequencies.Length),
        };
        foreach ((string key, object value) in metadata) values[key] = value;
        writer.Add("general.architecture", architecture);
        foreach ((string key, object value) in values) writer.Add($"{architecture}.{key}", value);
        foreach ((string name, long[] shape) in Shapes(model))
        {
            float[] data = model.Weights[name];
            if (permutes && (name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("k_proj", StringComparison.Ordinal))) data = Neighbouring(data, model);
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
            for (int j = 0; j < 2 * pairs; j++) rows.AsSpan((head + j) * width, width).CopyTo(moved.AsSpan((head + (j < pairs ? 2 * j : 2 * (j - pairs) + 1)) * width, width));
        return moved;
    }

    private static IEnumerable<(string Name, long[] Shape)> Shapes(NaiveTransformer model)
    {
        foreach ((string module, long[] shape) in Modules(model))
        {
            yield return (module + ".weight", shape);
            if (model.Biased.Any(part => module.Contains(part, StringComparison.Ordinal))) yield return (module + ".bias", [shape[0]]);
        }
    }

    private static IEnumerable<(string Name, long[] Shape)> Modules(NaiveTransformer model)
    {
        int queries = model.Heads * model.HeadDim, keys = model.KvHeads * model.HeadDim;
        yield return ("model.embed_tokens", [model.Vocabulary, model.Width]);
        yield return ("model.norm", [model.Width]);
        if (!model.Tied) yield return ("lm_head", [model.Vocabulary, model.Width]);
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            yield return (prefix + "self_attn.q_proj", [queries, model.Width]);
            yield return (prefix + "self_attn.k_proj", [keys, model.Width]);
            yield return (prefix + "self_attn.v_proj", [keys, model.Width]);
            yield return (prefix + "self_attn.o_proj", [model.Width, queries]);
            string?[] matrices = model.FeedForwardNames;
            if (matrices[0] is { } gate && gate != matrices[1]) yield return ($"{prefix}mlp.{gate}", [model.FeedForward, model.Width]);
            yield return ($"{prefix}mlp.{matrices[1]}", [matrices[0] == matrices[1] ? 2 * model.FeedForward : model.FeedForward, model.Width]);
            yield return ($"{prefix}mlp.{matrices[2]}", [model.Width, model.FeedForward]);
            foreach (string norm in model.Norms.OfType<string>()) yield return ($"{prefix}{norm}_layernorm", [model.Width]);
            if (!model.HeadNorms && !model.WholeNorms) continue;
            yield return (prefix + "self_attn.q_norm", [model.HeadNorms ? model.HeadDim : queries]);
            yield return (prefix + "self_attn.k_norm", [model.HeadNorms ? model.HeadDim : keys]);
        }
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
