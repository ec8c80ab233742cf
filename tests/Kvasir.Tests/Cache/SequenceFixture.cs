using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache;

/// <summary>One layer with random keys, values and queries, and the attention that plain loops in double give.</summary>
internal sealed unsafe class SequenceFixture
{
    private readonly Random _random;

    public SequenceFixture(int seed, int kvHeads = 2, int channels = 16, int window = int.MaxValue, bool interleaved = false,
        KernelPath path = KernelPath.Vector128)
    {
        _random = new Random(seed);
        double[] frequencies = [.. Enumerable.Range(0, channels / 2).Select(j => Math.Pow(10000, -2.0 * j / channels))];
        Rotary = new Rotary(frequencies, interleaved);
        Layer = new LayerLayout(kvHeads, channels, channels, window, Rotary);
        Kernels = AttentionKernels.For(path);
        Layout = LayoutOf("model", "tokenizer");
    }

    public Rotary Rotary { get; }

    public LayerLayout Layer { get; }

    public AttentionKernels Kernels { get; }

    public KvLayout Layout { get; }

    /// <summary>Keys before rotation, by token and head.</summary>
    public List<float[][]> Keys { get; } = [];

    public List<float[][]> Values { get; } = [];

    public KvLayout LayoutOf(string model, string tokenizer) => new([Layer], Kernels, () => model, () => tokenizer);

    public KvCache NewCache(string policy = "k=f32,v=f32", BlockPool? pool = null) =>
        new(Layout, KvPolicy.Parse(policy), pool ?? new BlockPool());

    public float[] Random(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(_random.NextDouble() * 4 - 2))];

    /// <summary>Makes up tokens and appends them as a forward pass does.</summary>
    public void Append(KvCache cache, int tokens)
    {
        int position = cache.Length;
        int first = Keys.Count;
        for (int t = 0; t < tokens; t++)
        {
            Keys.Add([.. Enumerable.Range(0, Layer.KvHeads).Select(_ => Random(Layer.KeyChannels))]);
            Values.Add([.. Enumerable.Range(0, Layer.KvHeads).Select(_ => Random(Layer.ValueChannels))]);
        }
        cache.Append(tokens, seal: true, (_, head, token, key, value) =>
        {
            Rotated(Keys[first + token][head], position + token).CopyTo(key);
            Values[first + token][head].CopyTo(value);
        });
    }

    public float[] Rotated(float[] vector, int position)
    {
        float[] copy = [.. vector];
        float[] table = new float[Rotary.TableLength];
        Rotary.FillTable(position, table);
        fixed (float* c = copy, t = table) Rotary.Rotate(c, t);
        return copy;
    }

    /// <summary>
    /// What the cache gives for rows of queries (not rotated) from <paramref name="position"/> on, [tokens * group, channels].
    /// </summary>
    public float[] Attend(KvCache cache, int head, float[][] queries, int position, int group, bool causal = true, float softCap = 0) =>
        Attend(cache, head, queries, new QueryTile(position, queries.Length, group, causal, softCap));

    /// <summary>The same for queries at scattered positions.</summary>
    public float[] AttendScattered(KvCache cache, int head, float[][] queries, RepairedPositions positions) =>
        Attend(cache, head, queries, new QueryTile(positions[0], queries.Length, 1, Causal: true, SoftCap: 0, positions));

    /// <summary>The same for any tile; in two parts, merged by their maxima and sums, where there are blocks for it.</summary>
    public float[] AttendInParts(KvCache cache, int head, float[][] queries, QueryTile tile)
    {
        int channels = Layer.KeyChannels, rows = queries.Length, blocks = cache.Layers[0].Heads[head].BlockCount;
        (float[] Output, float[] Maximum, float[] Sum)[] parts =
            [Part(cache, head, queries, tile, 0, blocks / 2), Part(cache, head, queries, tile, blocks / 2, blocks)];
        float[] merged = new float[rows * channels];
        for (int r = 0; r < rows; r++)
        {
            float most = parts.Max(part => part.Maximum[r]);
            double total = parts.Sum(part => Math.Exp(part.Maximum[r] - most) * part.Sum[r]);
            for (int c = 0; c < channels; c++)
                merged[r * channels + c] =
                    (float)(parts.Sum(part => Math.Exp(part.Maximum[r] - most) * part.Output[r * channels + c]) / total);
        }
        return merged;
    }

    public float[] Attend(KvCache cache, int head, float[][] queries, QueryTile tile)
    {
        int channels = Layer.KeyChannels;
        (float[] output, _, float[] sum) = Part(cache, head, queries, tile, 0, cache.Layers[0].Heads[head].BlockCount);
        fixed (float* o = output, s = sum) BlockAttention.Normalise(Kernels, o, queries.Length, channels, s);
        return output;
    }

    private (float[] Output, float[] Maximum, float[] Sum) Part(
        KvCache cache, int head, float[][] queries, QueryTile tile, int firstBlock, int endBlock)
    {
        int channels = Layer.KeyChannels, rows = queries.Length;
        using var scratch = new AttentionScratch(channels);
        for (int r = 0; r < rows; r++)
            Rotated(queries[r], tile.PositionOf(r)).CopyTo(new Span<float>(scratch.Queries + r * channels, channels));
        float[] output = new float[rows * channels], maximum = new float[rows], sum = new float[rows];
        HeadCache cached = cache.Layers[0].Heads[head];
        fixed (float* o = output, m = maximum, s = sum)
        {
            BlockAttention.Attend(cached, Layer, Kernels, tile, firstBlock, endBlock, scratch, o, m, s);
        }
        return (output, maximum, sum);
    }

    /// <summary>The same by the definition: softmax(q · k) v over the visible tokens.</summary>
    public float[] Expected(int head, float[][] queries, int position, int group, int length, bool causal = true, float softCap = 0,
        Func<int, bool>? counts = null, Func<int, int, double>? bias = null)
    {
        int channels = Layer.KeyChannels;
        float[] output = new float[queries.Length * channels];
        for (int r = 0; r < queries.Length; r++)
        {
            int own = position + r / group;
            float[] query = Rotated(queries[r], own);
            double[] weights = new double[length];
            for (int t = 0; t < length; t++)
            {
                if (causal && (t > own || (Layer.Window != int.MaxValue && t <= own - Layer.Window))) continue;
                if (counts?.Invoke(t) == false) continue;
                double score = Rotated(Keys[t][head], t).Zip(query).Sum(pair => (double)pair.First * pair.Second);
                weights[t] = Math.Exp((softCap == 0 ? score : softCap * Math.Tanh(score / softCap)) + (bias?.Invoke(r, t) ?? 0));
            }
            double total = weights.Sum();
            for (int c = 0; c < channels; c++)
                output[r * channels + c] = (float)Enumerable.Range(0, length).Sum(t => weights[t] / total * Values[t][head][c]);
        }
        return output;
    }

    public float[][] Queries(int rows) => [.. Enumerable.Range(0, rows).Select(_ => Random(Layer.KeyChannels))];

    /// <summary>
    /// Equal but for rounding: of keys, values and queries no channel is beyond 2, and of turned keys none beyond the root of two times
    /// that.
    /// </summary>
    public void Close(float[] expected, float[] actual) =>
        Close(expected, actual, (float)AttentionRounding.Bound(
            Layer.KeyChannels, Keys.Count, 2 * Math.Sqrt(Layer.KeyChannels), 2 * Math.Sqrt(2), 2));

    public static void Close(float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"at {i}: {expected[i]} expected, {actual[i]} found");
    }
}
