using Kvasir.Training.Operations;

namespace Kvasir.Training.Tests.Operations;

public sealed class CausalAttentionTests
{
    /// <summary>Sequences, length, heads, kv heads, key size, value size: shared keys or not, thin or full, tiles short or whole.</summary>
    public static TheoryData<int, int, int, int, int, int> Shapes => new()
    {
        { 1, 1, 1, 1, 2, 2 }, { 2, 5, 4, 2, 4, 4 }, { 1, 9, 3, 1, 2, 8 }, { 1, 34, 2, 1, 2, 4 }, { 2, 36, 1, 1, 2, 2 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Values_and_gradients_are_those_of_the_formula(int sequences, int length, int heads, int kvHeads, int keySize, int valueSize)
    {
        var shape = new AttentionShape(sequences, length, heads, kvHeads, keySize, valueSize);
        float[] q = GradientCheck.Random(shape.Rows * shape.QueryWidth, 1, 2), k = GradientCheck.Random(shape.Rows * shape.KeyWidth, 2, 2);
        float[] v = GradientCheck.Random(shape.Rows * shape.ValueWidth, 3);
        float[] gradient = GradientCheck.Random(shape.Rows * shape.OutputWidth, 4);
        Result result = Run(shape, q, k, v, gradient, threads: 2);
        double[] query = GradientCheck.Doubles(q), key = GradientCheck.Doubles(k), value = GradientCheck.Doubles(v);
        GradientCheck.Close(Naive(shape, query, key, value), result.Output);
        double Loss(double[] q, double[] k, double[] v) => GradientCheck.Weighted(Naive(shape, q, k, v), gradient);
        GradientCheck.Close(GradientCheck.Numeric(q, x => Loss(x, key, value)), result.Query, 1e-4);
        GradientCheck.Close(GradientCheck.Numeric(k, x => Loss(query, x, value)), result.Key, 1e-4);
        GradientCheck.Close(GradientCheck.Numeric(v, x => Loss(query, key, x)), result.Value, 1e-4);
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        var shape = new AttentionShape(3, 40, 4, 2, 4, 8);
        float[] q = GradientCheck.Random(shape.Rows * shape.QueryWidth, 1), k = GradientCheck.Random(shape.Rows * shape.KeyWidth, 2);
        float[] v = GradientCheck.Random(shape.Rows * shape.ValueWidth, 3);
        float[] gradient = GradientCheck.Random(shape.Rows * shape.OutputWidth, 4);
        Assert.Equal(Run(shape, q, k, v, gradient, 1).All, Run(shape, q, k, v, gradient, 3).All);
    }

    private static Result Run(AttentionShape shape, float[] q, float[] k, float[] v, float[] gradient, int threads)
    {
        var result = new Result(new float[gradient.Length], new float[q.Length], new float[k.Length], new float[v.Length]);
        using var crew = new Crew(threads);
        crew.Run(worker =>
        {
            CausalAttention.Forward(worker, shape, q, k, v, result.Output);
            CausalAttention.Backward(worker, shape, new AttentionTensors { Query = q, Key = k, Value = v }, new AttentionGradients
            {
                Output = gradient,
                Query = result.Query,
                Key = result.Key,
                Value = result.Value,
            });
        });
        return result;
    }

    private static double[] Naive(AttentionShape shape, double[] q, double[] k, double[] v)
    {
        double[] output = new double[shape.Rows * shape.OutputWidth];
        for (int row = 0; row < shape.Rows; row++)
            for (int head = 0; head < shape.Heads; head++)
            {
                int kvHead = head / shape.Group, start = row / shape.Length * shape.Length;
                double[] weights = [.. Enumerable.Range(start, row - start + 1).Select(other => Math.Exp(shape.Scale * Score(other)))];
                double sum = weights.Sum();
                for (int c = 0; c < shape.ValueSize; c++)
                    output[row * shape.OutputWidth + head * shape.ValueSize + c] = weights
                        .Select((weight, i) => weight / sum * v[(start + i) * shape.ValueWidth + kvHead * shape.ValueSize + c]).Sum();

                double Score(int other) => Enumerable.Range(0, shape.KeySize).Sum(c =>
                    q[row * shape.QueryWidth + head * shape.KeySize + c] * k[other * shape.KeyWidth + kvHead * shape.KeySize + c]);
            }
        return output;
    }

    private sealed record Result(float[] Output, float[] Query, float[] Key, float[] Value)
    {
        public float[] All => [.. Output, .. Query, .. Key, .. Value];
    }
}
