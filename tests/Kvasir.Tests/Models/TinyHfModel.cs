using System.Text.Json.Nodes;
using Kvasir.Formats;
using Kvasir.Models;
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
            bool norm = shape.Length == 1;
            double spread = norm ? 0.3 : name.Contains("embed", StringComparison.Ordinal) || name.StartsWith("lm_head", StringComparison.Ordinal) ? 2 / Math.Sqrt(model.Width) : 1.2 / Math.Sqrt(shape[1]);
            double mean = norm ? 1 - model.NormOffset : 0;
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
                ("head_dim", model.HeadDim), ("intermediate_size", model.FeedForward), ("vocab_size", model.Vocabulary), ("rms_norm_eps", model.Epsilon), ("tie_word_embeddings", model.Tied),
            ])
            config[name] = value;
        folder.Write("config.json", config.ToJsonString());
        var writer = new SafetensorsWriter();
        foreach ((string name, long[] shape) in Shapes(model)) writer.Add(name, shape, model.Weights[name]);
        writer.Write(Path.Combine(folder.Path, "model.safetensors"));
        return Model.Load(folder.Path, new ModelOptions { Compute = ComputeMode.Float32 });
    }

    private static IEnumerable<(string Name, long[] Shape)> Shapes(NaiveTransformer model)
    {
        int queries = model.Heads * model.HeadDim, keys = model.KvHeads * model.HeadDim;
        yield return ("model.embed_tokens.weight", [model.Vocabulary, model.Width]);
        yield return ("model.norm.weight", [model.Width]);
        if (!model.Tied) yield return ("lm_head.weight", [model.Vocabulary, model.Width]);
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            yield return (prefix + "self_attn.q_proj.weight", [queries, model.Width]);
            yield return (prefix + "self_attn.k_proj.weight", [keys, model.Width]);
            yield return (prefix + "self_attn.v_proj.weight", [keys, model.Width]);
            yield return (prefix + "self_attn.o_proj.weight", [model.Width, queries]);
            yield return (prefix + "mlp.gate_proj.weight", [model.FeedForward, model.Width]);
            yield return (prefix + "mlp.up_proj.weight", [model.FeedForward, model.Width]);
            yield return (prefix + "mlp.down_proj.weight", [model.Width, model.FeedForward]);
            string[] norms = model.OutputNorms ? ["input", "post_attention", "pre_feedforward", "post_feedforward"] : ["input", "post_attention"];
            foreach (string norm in norms) yield return ($"{prefix}{norm}_layernorm.weight", [model.Width]);
            if (!model.HeadNorms) continue;
            yield return (prefix + "self_attn.q_norm.weight", [model.HeadDim]);
            yield return (prefix + "self_attn.k_norm.weight", [model.HeadDim]);
        }
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
