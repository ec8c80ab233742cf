namespace Kvasir.Reference;

/// <summary>The weights that a <see cref="NaiveTransformer"/> needs: names, shapes, and random values.</summary>
public static class NaiveWeights
{
    /// <summary>The transformer with random weights: activations and logits of the size that trained models have.</summary>
    public static NaiveTransformer WithRandomWeights(this NaiveTransformer model, int seed)
    {
        var random = new Random(seed);
        var weights = new Dictionary<string, float[]>();
        foreach ((string name, long[] shape) in Shapes(model))
        {
            bool bias = name.EndsWith(".bias", StringComparison.Ordinal), vector = shape.Length == 1;
            bool table = name.Contains("embed", StringComparison.Ordinal) || name.StartsWith("lm_head", StringComparison.Ordinal);
            double spread = vector ? 0.3 : table ? 2 / Math.Sqrt(model.Width) : 1.2 / Math.Sqrt(shape[1]);
            double mean = vector && !bias ? 1 - model.NormOffset : 0;
            long count = shape.Aggregate((a, b) => a * b);
            weights[name] = [.. Enumerable.Range(0, (int)count).Select(_ => (float)(mean + spread * Normal(random)))];
        }
        return model with { Weights = weights };
    }

    /// <summary>Every tensor under its Hugging Face name, [rows, columns] or [length].</summary>
    public static IEnumerable<(string Name, long[] Shape)> Shapes(this NaiveTransformer model)
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
        int values = model.KvHeads * model.ValueSize;
        yield return ("model.embed_tokens", [model.Vocabulary, model.Width]);
        yield return ("model.norm", [model.Width]);
        if (!model.Tied) yield return ("lm_head", [model.Vocabulary, model.Width]);
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            yield return (prefix + "self_attn.q_proj", [queries, model.Width]);
            yield return (prefix + "self_attn.k_proj", [keys, model.Width]);
            yield return (prefix + "self_attn.v_proj", [values, model.Width]);
            yield return (prefix + "self_attn.o_proj", [model.Width, model.Heads * model.ValueSize]);
            string?[] matrices = model.FeedForwardNames;
            if (matrices[0] is { } gate && gate != matrices[1]) yield return ($"{prefix}mlp.{gate}", [model.FeedForward, model.Width]);
            yield return ($"{prefix}mlp.{matrices[1]}",
                [matrices[0] == matrices[1] ? 2 * model.FeedForward : model.FeedForward, model.Width]);
            yield return ($"{prefix}mlp.{matrices[2]}", [model.Width, model.FeedForward]);
            foreach (string norm in model.Norms.OfType<string>()) yield return ($"{prefix}{norm}_layernorm", [model.Width]);
            if (!model.HeadNorms && !model.WholeNorms) continue;
            yield return (prefix + "self_attn.q_norm", [model.HeadNorms ? model.HeadDim : queries]);
            yield return (prefix + "self_attn.k_norm", [model.HeadNorms ? model.HeadDim : keys]);
        }
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
