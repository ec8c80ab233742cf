using System.Numerics.Tensors;
using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>
/// Second moments of the keys and queries of forward passes, by layer and kv head, in float64: what factors of keys are made from.
/// </summary>
internal sealed unsafe class KeyGrams
{
    private readonly KvLayout _layout;
    private readonly HeadMoments[][] _heads;

    public KeyGrams(KvLayout layout)
    {
        _layout = layout;
        _heads = [.. layout.Layers.Select(
            layer => Enumerable.Range(0, layer.KvHeads).Select(_ => new HeadMoments(layer.KeyChannels)).ToArray())];
    }

    public HeadMoments this[int layer, int head] => _heads[layer][head];

    /// <summary>Adds rows of one kv head; different heads may be added by different threads.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The kv head.</param>
    /// <param name="keys">Its rows of keys, rotated.</param>
    /// <param name="queries">The rows of its group's query heads, side by side, rotated.</param>
    /// <param name="group">Query heads of the group.</param>
    /// <param name="positions">By row: where the token stands.</param>
    public void Add(int layer, int head, FloatRows keys, FloatRows queries, int group, ReadOnlySpan<int> positions)
    {
        LayerLayout shape = _layout.Layers[layer];
        HeadMoments moments = _heads[layer][head];
        int channels = shape.KeyChannels, rows = positions.Length;
        double[] columns = new double[channels * rows];
        for (int query = 0; query < group; query++)
        {
            for (int r = 0; r < rows; r++) Scatter(queries.Row(r) + query * channels, r);
            AddGram(columns, rows, moments.Queries);
        }
        for (int r = 0; r < rows; r++) Scatter(keys.Row(r), r);
        AddGram(columns, rows, moments.Keys);
        for (int c = 0; c < channels; c++) moments.KeySum[c] += TensorPrimitives.Sum(columns.AsSpan(c * rows, rows));
        if (shape.Rotary is { } rotary)
        {
            float[] table = new float[rotary.TableLength], key = new float[channels];
            fixed (float* k = key, t = table)
                for (int r = 0; r < rows; r++)
                {
                    new ReadOnlySpan<float>(keys.Row(r), channels).CopyTo(key);
                    rotary.FillTable(-positions[r], table, withMagnitude: false);
                    rotary.Rotate(k, t);
                    Scatter(k, r);
                }
            AddGram(columns, rows, moments.KeysBeforeRotation);
        }
        moments.Tokens += rows;
        moments.QueryRows += rows * group;

        void Scatter(float* row, int index)
        {
            for (int c = 0; c < channels; c++) columns[c * rows + index] = row[c];
        }
    }

    /// <summary>gram [channels, channels] += the products of columns [channels, rows].</summary>
    private static void AddGram(double[] columns, int rows, double[,] gram)
    {
        for (int i = 0; i < gram.GetLength(0); i++)
            for (int j = 0; j <= i; j++)
            {
                double product = TensorPrimitives.Dot<double>(columns.AsSpan(i * rows, rows), columns.AsSpan(j * rows, rows));
                gram[i, j] += product;
                if (i != j) gram[j, i] += product;
            }
    }
}

/// <summary>Sums over the tokens of one kv head.</summary>
internal sealed class HeadMoments(int channels)
{
    public long Tokens { get; set; }

    /// <summary>Tokens times query heads of the group.</summary>
    public long QueryRows { get; set; }

    /// <summary>Of q q^T of the group's rotated queries.</summary>
    public double[,] Queries { get; } = new double[channels, channels];

    /// <summary>Of k k^T of rotated keys.</summary>
    public double[,] Keys { get; } = new double[channels, channels];

    /// <summary>Of k k^T of keys before their rotation; zero where that cannot be undone.</summary>
    public double[,] KeysBeforeRotation { get; } = new double[channels, channels];

    /// <summary>Of rotated keys.</summary>
    public double[] KeySum { get; } = new double[channels];
}
