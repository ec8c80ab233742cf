namespace Kvasir.Reference;

/// <summary>
/// Llama-like decoders as Hugging Face's models define them, in double precision with plain loops,
/// over weights under their Hugging Face names. No cache and no tricks: it shares nothing with the engine that it is to check.
/// </summary>
public sealed record NaiveTransformer
{
    public required int Layers { get; init; }
    public required int Width { get; init; }
    public required int Heads { get; init; }
    public required int KvHeads { get; init; }
    public required int HeadDim { get; init; }

    /// <summary>Channels of a value; 0 where they are as many as a key's.</summary>
    public int ValueDim { get; init; }

    public required int FeedForward { get; init; }
    public required int Vocabulary { get; init; }
    public required double ScoreScale { get; init; }
    public required Func<double, double> Activation { get; init; }
    public required Func<int, NaiveRotation> RotationOf { get; init; }
    public double Epsilon { get; init; } = 1e-6;
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>Gemma's norms multiply by 1 + weight.</summary>
    public double NormOffset { get; init; }

    /// <summary>Every head of query and key is normalised before it is rotated.</summary>
    public bool HeadNorms { get; init; }

    /// <summary>Query and key are normalised over all heads together.</summary>
    public bool WholeNorms { get; init; }

    /// <summary>Norms subtract the mean.</summary>
    public bool Centred { get; init; }

    /// <summary>
    /// Names of the norms before and after attention and before and after the feed-forward layer, null where there is none.
    /// </summary>
    public string?[] Norms { get; init; } = ["input", null, "post_attention", null];

    /// <summary>Names of the feed-forward layer's matrices: gate (null for none), up, down.</summary>
    public string?[] FeedForwardNames { get; init; } = ["gate_proj", "up_proj", "down_proj"];

    /// <summary>Which modules have a bias, by a part of their names.</summary>
    public string[] Biased { get; init; } = [];

    /// <summary>Attention and feed-forward layer read the same.</summary>
    public bool Parallel { get; init; }

    public double ResidualScale { get; init; } = 1;

    public double LogitScale { get; init; } = 1;

    public bool Tied { get; init; }

    /// <summary>Scores s become cap · tanh(s/cap); 0 for none.</summary>
    public double ScoreSoftCap { get; init; }

    /// <summary>
    /// Told of every row of attention weights: layer, query head, the query's position, the weights of positions 0 to the last seen.
    /// </summary>
    public Action<int, int, int, double[]>? Observe { get; init; }

    /// <summary>How many tokens a layer sees, the current one included.</summary>
    public Func<int, int> WindowOf { get; init; } = _ => int.MaxValue;

    /// <summary>Whether a token may attend to another one up to the last that it sees, by their positions.</summary>
    public Func<int, int, bool> Sees { get; init; } = (_, _) => true;

    /// <summary>The last position that a token sees: its own but in models in which the rows of an image see each other.</summary>
    public Func<int, int> LastSeen { get; init; } = t => t;

    /// <summary>What stands in place of the embeddings of ids below 0, as the first layer reads it.</summary>
    public IReadOnlyDictionary<int, float[]> Rows { get; init; } = new Dictionary<int, float[]>();

    public int ValueSize => ValueDim == 0 ? HeadDim : ValueDim;

    /// <summary>What is added to a score after the cap: by layer, query head and the key's position.</summary>
    public Func<int, int, int, double> ScoreBias { get; init; } = (_, _, _) => 0;

    public IReadOnlyDictionary<string, float[]> Weights { get; init; } = new Dictionary<string, float[]>();

    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    public static double GeluTanh(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

    /// <summary>Logits [tokens, vocabulary], one row after another.</summary>
    public double[] Logits(int[] ids)
    {
        float[] embeddings = Weights["model.embed_tokens.weight"];
        double[][] x = [.. ids.Select(id => id < 0 ? Rows[id].Select(value => (double)value).ToArray()
            : embeddings.Skip(id * Width).Take(Width).Select(value => value * EmbeddingScale).ToArray())];
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            double[][] read = [.. x.Select(row => NormIf(row, prefix, Norms[0]))], attended = Attention(layer, read);
            for (int t = 0; t < x.Length; t++)
            {
                x[t] = Sum(x[t], NormIf(attended[t], prefix, Norms[1]), ResidualScale);
                double[] fed = FeedForwardLayer(prefix + "mlp.", Parallel ? read[t] : NormIf(x[t], prefix, Norms[2]));
                x[t] = Sum(x[t], NormIf(fed, prefix, Norms[3]), ResidualScale);
            }
        }
        string output = Tied ? "model.embed_tokens" : "lm_head";
        return [.. x.SelectMany(row => Product(output, Norm(row, "model.norm"), Vocabulary)).Select(logit => logit * LogitScale)];
    }

    private double[] NormIf(double[] x, string prefix, string? name) => name is null ? x : Norm(x, $"{prefix}{name}_layernorm");

    private double[][] Attention(int layer, double[][] x)
    {
        string prefix = $"model.layers.{layer}.self_attn.";
        NaiveRotation rotation = RotationOf(layer);
        double[][][] query = [.. x.Select((row, t) => RotatedHeads(prefix + "q", row, Heads, rotation, t))];
        double[][][] key = [.. x.Select((row, t) => RotatedHeads(prefix + "k", row, KvHeads, rotation, t))];
        double[][][] value = [.. x.Select(row => Product(prefix + "v_proj", row, KvHeads * ValueSize).Chunk(ValueSize).ToArray())];
        double[][] output = new double[x.Length][];
        for (int t = 0; t < x.Length; t++)
        {
            double[] joined = new double[Heads * ValueSize];
            for (int h = 0; h < Heads; h++)
            {
                int kvHead = h / (Heads / KvHeads);
                int last = LastSeen(t);
                double[] weights = new double[last + 1];
                for (int s = 0; s <= last; s++)
                    weights[s] = t - s < WindowOf(layer) && Sees(t, s)
                        ? Math.Exp(Capped(Dot(query[t][h], key[s][kvHead]) * ScoreScale) + ScoreBias(layer, h, s)) : 0;
                double total = weights.Sum();
                for (int s = 0; s <= last; s++) weights[s] /= total;
                Observe?.Invoke(layer, h, t, weights);
                for (int s = 0; s <= last; s++)
                    for (int c = 0; c < ValueSize; c++) joined[h * ValueSize + c] += weights[s] * value[s][kvHead][c];
            }
            output[t] = Product(prefix + "o_proj", joined, Width);
        }
        return output;
    }

    private double Capped(double score) => ScoreSoftCap == 0 ? score : ScoreSoftCap * Math.Tanh(score / ScoreSoftCap);

    private double[][] RotatedHeads(string name, double[] x, int heads, NaiveRotation rotation, int position)
    {
        double[] joined = Product(name + "_proj", x, heads * HeadDim);
        if (WholeNorms) joined = Norm(joined, name + "_norm");
        return [.. Split(joined).Select(head => rotation.Rotate(HeadNorms ? Norm(head, name + "_norm") : head, position))];
    }

    private double[][] Split(double[] heads) => [.. heads.Chunk(HeadDim)];

    private double[] FeedForwardLayer(string prefix, double[] x)
    {
        double[] gate, up;
        if (FeedForwardNames is [null, string only, _])
            (gate, up) = (Product(prefix + only, x, FeedForward), [.. Enumerable.Repeat(1.0, FeedForward)]);
        else if (FeedForwardNames[0] == FeedForwardNames[1])
        {
            double[] both = Product(prefix + FeedForwardNames[0], x, 2 * FeedForward);
            (gate, up) = (both[..FeedForward], both[FeedForward..]);
        }
        else
            (gate, up) = (Product(prefix + FeedForwardNames[0], x, FeedForward), Product(prefix + FeedForwardNames[1], x, FeedForward));
        return Product(prefix + FeedForwardNames[2], [.. gate.Zip(up, (g, u) => Activation(g) * u)], Width);
    }

    private double[] Norm(double[] x, string name)
    {
        float[] weight = Weights[name + ".weight"], bias = Weights.GetValueOrDefault(name + ".bias") ?? new float[x.Length];
        double mean = Centred ? x.Average() : 0;
        double deviation = Math.Sqrt(x.Sum(value => (value - mean) * (value - mean)) / x.Length + Epsilon);
        return [.. x.Select((value, i) => (value - mean) / deviation * (NormOffset + weight[i]) + bias[i])];
    }

    private double[] Product(string name, double[] x, int rows)
    {
        float[] matrix = Weights[name + ".weight"];
        float[]? bias = Weights.GetValueOrDefault(name + ".bias");
        double[] y = new double[rows];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < x.Length; c++) y[r] += matrix[r * x.Length + c] * x[c];
            if (bias is not null) y[r] += bias[r];
        }
        return y;
    }

    private static double[] Sum(double[] a, double[] b, double scale) => [.. a.Zip(b, (x, y) => x + y * scale)];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
