namespace Kvasir.Vision.Tests;

/// <summary>
/// A vision transformer and its projectors as plain loops in double precision, from the definitions: shares nothing with the library. Its
/// weights are random, under the names of llama.cpp's files, [rows, columns] or as a convolution.
/// </summary>
internal sealed class NaiveTower
{
    public int ImageSize { get; init; } = 24;

    public int PatchSize { get; init; } = 4;

    public int Width { get; init; } = 24;

    public int Heads { get; init; } = 3;

    public int FeedForward { get; init; } = 40;

    public int Blocks { get; init; } = 2;

    public int LlmWidth { get; init; } = 20;

    /// <summary>Patches on a side of what becomes one row; 0 for LLaVA's two matrices.</summary>
    public int Shuffle { get; init; }

    /// <summary>Whether it is their mean, normalised, that becomes the row (Gemma 3), and not all of them side by side.</summary>
    public bool Pools { get; init; }

    public bool HasClass => Shuffle == 0;

    public double Epsilon => HasClass ? 1e-5 : 1e-6;

    public int Side => ImageSize / PatchSize;

    public Dictionary<string, (long[] Shape, float[] Values)> Weights { get; } = [];

    public NaiveTower Randomised(int seed)
    {
        var random = new Random(seed);
        void Add(string name, double mean, double spread, params long[] shape)
        {
            int count = (int)shape.Aggregate((a, b) => a * b);
            Weights[name] = (shape, [.. Enumerable.Range(0, count).Select(_ => (float)(mean + spread * (2 * random.NextDouble() - 1)))]);
        }

        void Matrix(string name, int rows, int columns, bool bias = true)
        {
            Add(name + ".weight", 0, 2 / Math.Sqrt(columns), rows, columns);
            if (bias) Add(name + ".bias", 0, 0.3, rows);
        }

        void Norm(string name)
        {
            Add(name + ".weight", 1, 0.3, Width);
            Add(name + ".bias", 0, 0.3, Width);
        }

        Add("v.patch_embd.weight", 0, 0.3, Width, 3, PatchSize, PatchSize);
        if (HasClass)
        {
            Add("v.class_embd", 0, 1, Width);
            Norm("v.pre_ln");
        }
        else
        {
            Add("v.patch_embd.bias", 0, 0.3, Width);
            Norm("v.post_ln");
        }

        Add("v.position_embd.weight", 0, 1, Side * Side + (HasClass ? 1 : 0), Width);
        for (int block = 0; block < Blocks + (HasClass ? 1 : 0); block++)
        {
            string prefix = $"v.blk.{block}.";
            Norm(prefix + "ln1");
            Norm(prefix + "ln2");
            foreach (string name in (string[])["attn_q", "attn_k", "attn_v", "attn_out"]) Matrix(prefix + name, Width, Width);
            Matrix(prefix + "ffn_up", FeedForward, Width);
            Matrix(prefix + "ffn_down", Width, FeedForward);
        }

        if (Pools)
        {
            Add("mm.input_projection.weight", 0, 2 / Math.Sqrt(Width), Width, LlmWidth);
            Add("mm.soft_emb_norm.weight", 1, 0.5, Width);
        }
        else if (Shuffle > 0) Matrix("mm.model.fc", LlmWidth, Width * Shuffle * Shuffle, bias: false);
        else
        {
            Matrix("mm.0", 28, Width);
            Matrix("mm.2", LlmWidth, 28);
        }

        return this;
    }

    /// <summary>Rows for the language model, [rows][width], of pixels [3, size, size].</summary>
    public double[][] Rows(float[] pixels)
    {
        double[][] x = Embedded(pixels);
        for (int block = 0; block < Blocks; block++) x = Block(x, $"v.blk.{block}.");
        if (HasClass) return [.. x.Skip(1).Select(row => Linear("mm.2", [.. Linear("mm.0", row).Select(GeluTanh)]))];
        x = [.. x.Select(row => Norm("v.post_ln", row))];
        int across = Side / Shuffle;
        if (Pools)
            return [.. Enumerable.Range(0, across * across).Select(row => Pooled(x, row / across * Shuffle, row % across * Shuffle))];
        return [.. Enumerable.Range(0, across * across).Select(row => Linear("mm.model.fc",
            [.. from y in Enumerable.Range(0, Shuffle)
                from column in Enumerable.Range(0, Shuffle)
                from value in x[(row / across * Shuffle + y) * Side + row % across * Shuffle + column]
                select value]))];
    }

    /// <summary>The mean of the square of patches whose top left is given, its RMS norm, and the matrix [inputs, outputs].</summary>
    private double[] Pooled(double[][] x, int top, int left)
    {
        var mean = new double[Width];
        for (int patch = 0; patch < Shuffle * Shuffle; patch++)
            for (int c = 0; c < Width; c++)
                mean[c] += x[(top + patch / Shuffle) * Side + left + patch % Shuffle][c] / (Shuffle * Shuffle);
        double scale = 1 / Math.Sqrt(mean.Average(value => value * value) + Epsilon);
        float[] norm = Weights["mm.soft_emb_norm.weight"].Values, matrix = Weights["mm.input_projection.weight"].Values;
        return [.. Enumerable.Range(0, LlmWidth)
            .Select(o => Enumerable.Range(0, Width).Sum(c => mean[c] * scale * norm[c] * matrix[c * LlmWidth + o]))];
    }

    private double[][] Embedded(float[] pixels)
    {
        float[] kernel = Weights["v.patch_embd.weight"].Values, positions = Weights["v.position_embd.weight"].Values;
        float[]? bias = Weights.TryGetValue("v.patch_embd.bias", out (long[], float[] Values) found) ? found.Values : null;
        var rows = new List<double[]>();
        if (HasClass) rows.Add([.. Weights["v.class_embd"].Values.Select(value => (double)value)]);
        for (int patch = 0; patch < Side * Side; patch++)
        {
            var row = new double[Width];
            for (int o = 0; o < Width; o++)
            {
                row[o] = bias?[o] ?? 0;
                for (int c = 0; c < 3; c++)
                    for (int y = 0; y < PatchSize; y++)
                        for (int column = 0; column < PatchSize; column++)
                            row[o] += kernel[((o * 3 + c) * PatchSize + y) * PatchSize + column]
                                * pixels[(c * ImageSize + patch / Side * PatchSize + y) * ImageSize + patch % Side * PatchSize + column];
            }

            rows.Add(row);
        }

        for (int i = 0; i < rows.Count; i++)
            for (int o = 0; o < Width; o++) rows[i][o] += positions[i * Width + o];
        return HasClass ? [.. rows.Select(row => Norm("v.pre_ln", row))] : [.. rows];
    }

    private double[][] Block(double[][] x, string prefix)
    {
        double[][] input = [.. x.Select(row => Norm(prefix + "ln1", row))];
        double[][] Projected(string name) => [.. input.Select(row => Linear(prefix + name, row))];
        double[][] query = Projected("attn_q"), key = Projected("attn_k"), value = Projected("attn_v");
        int size = Width / Heads;
        return [.. x.Select((row, i) =>
        {
            var mixed = new double[Width];
            for (int head = 0; head < Heads; head++)
            {
                int first = head * size;
                double Score(double[] k) => Enumerable.Range(first, size).Sum(c => query[i][c] * k[c]) / Math.Sqrt(size);
                double[] weights = [.. key.Select(k => Math.Exp(Score(k)))];
                for (int c = first; c < first + size; c++) mixed[c] = weights.Select((w, j) => w * value[j][c]).Sum() / weights.Sum();
            }

            double[] after = Sum(row, Linear(prefix + "attn_out", mixed));
            double[] hidden = Linear(prefix + "ffn_up", Norm(prefix + "ln2", after));
            hidden = [.. hidden.Select(h => HasClass ? GeluQuick(h) : GeluTanh(h))];
            return Sum(after, Linear(prefix + "ffn_down", hidden));
        })];
    }

    private double[] Linear(string name, double[] x)
    {
        (long[] shape, float[] weight) = Weights[name + ".weight"];
        float[]? bias = Weights.TryGetValue(name + ".bias", out (long[], float[] Values) found) ? found.Values : null;
        var y = new double[shape[0]];
        for (int r = 0; r < y.Length; r++)
        {
            y[r] = bias?[r] ?? 0;
            for (int c = 0; c < x.Length; c++) y[r] += weight[r * x.Length + c] * x[c];
        }

        return y;
    }

    private double[] Norm(string name, double[] x)
    {
        float[] weight = Weights[name + ".weight"].Values, bias = Weights[name + ".bias"].Values;
        double mean = x.Average(), scale = 1 / Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + Epsilon);
        return [.. x.Select((value, i) => (value - mean) * scale * weight[i] + bias[i])];
    }

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double GeluQuick(double x) => x / (1 + Math.Exp(-1.702 * x));

    private static double GeluTanh(double x) => x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
}
