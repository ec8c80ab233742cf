using Kvasir.Training.Data;

namespace Kvasir.Training.Models;

/// <summary>The weights of one layer, under GGUF's names.</summary>
internal sealed record LayerParameters
{
    public required Parameter AttentionNorm { get; init; }

    public required Parameter Query { get; init; }

    /// <summary>From the residual stream to keys; to the factors that are cached where there is an <see cref="KeyExpansion"/>.</summary>
    public required Parameter Key { get; init; }

    /// <summary>From cached factors to keys before their rotation, all kv heads beside each other; null where keys are cached.</summary>
    public KeyExpansion? KeyExpansion { get; init; }

    public required Parameter Value { get; init; }

    public required Parameter Output { get; init; }

    public required Parameter FeedForwardNorm { get; init; }

    public required Parameter Gate { get; init; }

    public required Parameter Up { get; init; }

    public required Parameter Down { get; init; }

    public IEnumerable<Parameter> All => new[]
    {
        AttentionNorm, Query, Key, KeyExpansion?.Weight, Value, Output, FeedForwardNorm, Gate, Up, Down,
    }.OfType<Parameter>();
}

/// <summary>All weights of a llama-type model. Values and gradients are the only state that the models of one training share.</summary>
internal sealed record LlamaParameters
{
    private const double Spread = 0.02;

    public required Parameter Embedding { get; init; }

    public required IReadOnlyList<LayerParameters> Layers { get; init; }

    public required Parameter FinalNorm { get; init; }

    /// <summary>[vocabulary, width]; the embedding where they are tied.</summary>
    public required Parameter Output { get; init; }

    public bool Tied => ReferenceEquals(Output, Embedding);

    /// <summary>Every parameter once, in an order that never changes.</summary>
    public IReadOnlyList<Parameter> All =>
        [Embedding, .. Layers.SelectMany(layer => layer.All), FinalNorm, .. Tied ? Array.Empty<Parameter>() : [Output]];

    public long Count => All.Sum(parameter => (long)parameter.Values.Length);

    /// <summary>All parameters of a shape, each made from its name, rows (0 for a vector) and columns.</summary>
    public static LlamaParameters Named(LlamaShape shape, Func<string, int, int, Parameter> make)
    {
        Parameter embedding = make("token_embd.weight", shape.Vocabulary, shape.Width);
        return new LlamaParameters
        {
            Embedding = embedding,
            Layers = [.. Enumerable.Range(0, shape.Layers).Select(layer => Layer(shape, (name, rows, columns) =>
                make($"blk.{layer}.{name}.weight", rows, columns)))],
            FinalNorm = make("output_norm.weight", 0, shape.Width),
            Output = shape.Tied ? embedding : make("output.weight", shape.Vocabulary, shape.Width),
        };
    }

    /// <summary>
    /// Weights to begin with, all of which train: N(0, 0.02²), smaller where a block adds to the stream (GPT-2), larger for thin queries
    /// and keys. A step moves a score by as many terms as a key has channels, each of the other side's size, over the root of their number.
    /// </summary>
    public static LlamaParameters Initial(LlamaShape shape, ulong seed)
    {
        shape.Check();
        LlamaParameters parameters = Named(shape, (name, rows, columns) => new Parameter(name, rows, columns) { Trains = true });
        double residual = Spread / Math.Sqrt(2.0 * shape.Layers), ofScores = Spread * Math.Sqrt((double)shape.ValueSize / shape.KeySize);
        for (int i = 0; i < parameters.All.Count; i++)
        {
            Parameter parameter = parameters.All[i];
            bool adds = parameters.Layers.Any(layer => layer.Output == parameter || layer.Down == parameter);
            bool scores = parameters.Layers.Any(layer => layer.Query == parameter || layer.Key == parameter);
            if (parameter.IsVector) Array.Fill(parameter.Values, 1);
            else new SeededRandom(seed, (ulong)i).FillNormal(parameter.Values, adds ? residual : scores ? ofScores : Spread);
        }
        return parameters;
    }

    private static LayerParameters Layer(LlamaShape shape, Func<string, int, int, Parameter> make) => new()
    {
        AttentionNorm = make("attn_norm", 0, shape.Width),
        Query = make("attn_q", shape.QueryWidth, shape.Width),
        Key = make("attn_k", shape.KeyWidth, shape.Width),
        Value = make("attn_v", shape.ValueWidth, shape.Width),
        Output = make("attn_output", shape.Width, shape.OutputWidth),
        FeedForwardNorm = make("ffn_norm", 0, shape.Width),
        Gate = make("ffn_gate", shape.FeedForward, shape.Width),
        Up = make("ffn_up", shape.FeedForward, shape.Width),
        Down = make("ffn_down", shape.Width, shape.FeedForward),
    };
}
