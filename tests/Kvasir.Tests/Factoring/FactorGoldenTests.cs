using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Factoring;
using Kvasir.Formats;
using Kvasir.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Kvasir.Tests.Factoring;

/// <summary>Projections, scores and ranks against the shared golden values (golden/factored-keys).</summary>
public sealed class FactorGoldenTests
{
    private const int Group = 3, Tokens = 48, Size = 64;

    private static readonly Rotary Rotary =
        new([.. Enumerable.Range(0, Size / 2).Select(j => Math.Pow(100000, -2.0 * j / Size))], interleaved: false);

    [SkippableTheory]
    [InlineData("kqsvd", 16)]
    [InlineData("kqsvd", 32)]
    [InlineData("kqsvd_centred", 32)]
    [InlineData("kqsvd_weighted", 16)]
    [InlineData("kqsvd_weighted", 32)]
    [InlineData("prerope", 16)]
    [InlineData("prerope", 32)]
    public void Scores_of_a_real_layer_are_the_golden_ones(string method, int rank)
    {
        using SafetensorsFile golden = Layer();
        HeadDecomposition[] heads = [.. Enumerable.Range(0, 3).Select(head => Decompose(golden, method, head))];
        Check(golden, $"{method}.r{rank}.scores", head => heads[head].Truncated(rank), tolerance: 1e-3);
        for (int head = 0; head < heads.Length; head++)
        {
            string values = method == "prerope" ? "prerope.eigenvalues" : $"{method}.singular_values";
            double[] expected = Doubles(golden, values)[(head * Size)..((head + 1) * Size)];
            for (int i = 0; i < Size; i++)
                Assert.Equal(expected[i], method == "prerope" ? heads[head].Weights[i]
                    : Math.Sqrt(heads[head].Weights[i]), 1e-6 * expected[0]);
        }
    }

    [SkippableTheory]
    [InlineData("kqsvd", 16)]
    [InlineData("kqsvd_centred", 32)]
    [InlineData("pca", 32)]
    [InlineData("pca_centred", 32)]
    public void Scores_by_given_projections_are_the_golden_ones(string method, int rank)
    {
        using SafetensorsFile golden = Layer();
        Matrix<float> Part(string name, int head)
        {
            int columns = (int)golden.Tensors[name].Shape[2];
            return Matrix<float>.Build.DenseOfRowMajor(
                Size, columns, golden.Floats(name)[(head * Size * columns)..((head + 1) * Size * columns)]).SubMatrix(0, Size, 0, rank);
        }
        Check(golden, $"{method}.r{rank}.scores", head =>
            new HeadFactors(false, Size, Part($"{method}.P_k", head).Transpose().ToRowMajorArray(),
            Part($"{method}.P_q", head).ToRowMajorArray(),
            golden.Floats($"{method}.mean")[(head * Size)..((head + 1) * Size)]), tolerance: 1e-4);
    }

    [SkippableTheory]
    [InlineData(16)]
    [InlineData(32)]
    public void Scores_by_given_factors_before_rotation_are_the_golden_ones(int rank)
    {
        using SafetensorsFile golden = Layer();
        float[] down = golden.Floats("prerope.A"), up = golden.Floats("prerope.B");
        Check(golden, $"prerope.r{rank}.scores", head =>
            new HeadFactors(true, Size, down[(head * 32 * Size)..(head * 32 * Size + rank * Size)],
            [.. Enumerable.Range(0, Size).SelectMany(c => up[((head * Size + c) * 32)..((head * Size + c) * 32 + rank)])], []),
                tolerance: 1e-4);
    }

    [SkippableTheory]
    [InlineData("prerope.r32")]
    [InlineData("kqsvd.r16")]
    [InlineData("kqsvd_centred.r32")]
    public void Attention_is_as_far_from_exact_as_the_golden_file_says(string name)
    {
        using SafetensorsFile golden = Layer();
        using JsonDocument facts = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/factored-keys/rope_layer.json")));
        string[] parts = name.Split(".r");
        HeadDecomposition[] heads = [.. Enumerable.Range(0, 3).Select(head => Decompose(golden, parts[0], head))];
        double distance = 0;
        for (int h = 0; h < 3 * Group; h++)
        {
            float[][] queries = Scaled(golden, h), keys = Rows(golden, "k", h / Group);
            float[][] thin = ThinScores.Of(
                heads[h / Group].Truncated(int.Parse(parts[1], CultureInfo.InvariantCulture)), Rotary, queries, keys);
            for (int i = 0; i < Tokens; i++)
            {
                double[] exact = Softmax(
                    [.. keys.Take(i + 1).Select(key => (float)key.Zip(queries[i]).Sum(pair => (double)pair.First * pair.Second))]), found =
                    Softmax(thin[i][..(i + 1)]);
                distance += exact.Zip(found).Sum(pair => Math.Abs(pair.First - pair.Second)) / 2 / (3 * Group * Tokens);
            }
        }
        Assert.Equal(facts.RootElement.GetProperty("methods").GetProperty(name).GetProperty("mean_total_variation_of_attention")
            .GetDouble(), distance, 1e-4);
    }

    [SkippableFact]
    public void The_metric_over_positions_is_the_golden_one()
    {
        using SafetensorsFile golden = Layer();
        for (int head = 0; head < 3; head++)
        {
            Matrix<double> expected = Square(golden, "prerope.M", head), found =
                PreRotationFactors.MeanMetric(Queries(golden, head), Pairs(), 640);
            Assert.InRange((expected - found).L2Norm() / expected.L2Norm(), 0, 1e-7);
        }
    }

    [SkippableTheory]
    [InlineData("gpt2like", 24)]
    [InlineData("gpt2like", 12)]
    [InlineData("gpt2like", 6)]
    [InlineData("nobias", 32)]
    public void Without_rotation_weights_are_cut_as_in_the_golden_file(string name, int rank)
    {
        using SafetensorsFile golden = SafetensorsFile.Open(SharedData.Require("golden/factored-keys/linear.safetensors"));
        int width = (int)golden.Tensors[$"{name}.x"].Shape[1], tokens = (int)golden.Tensors[$"{name}.x"].Shape[0], heads =
            (int)golden.Tensors[$"{name}.scores_full"].Shape[0], size = width / heads;
        Matrix<double> x = Whole("x", tokens), query = x * Whole("WQ", width) + Bias("bQ"), key = x * Whole("WK", width) + Bias("bK");
        float[] a = golden.Floats($"{name}.r{rank}.A"), b = golden.Floats($"{name}.r{rank}.B"), scores =
            golden.Floats($"{name}.r{rank}.scores"), exact = golden.Floats($"{name}.scores_full");
        for (int h = 0; h < heads; h++)
        {
            Matrix<double> weights = Whole("WK", width).SubMatrix(0, width, h * size, size).Transpose();
            float[] bias = golden.Floats($"{name}.bK")[(h * size)..((h + 1) * size)];
            HeadDecomposition whole = WeightFactors.Of(weights, [.. bias.Select(value => (double)value)], beforeRotation: false);
            Matrix<double> product = Block(a, h, width, rank) * Block(b, h, rank, size), found =
                weights.Transpose() * whole.Up.SubMatrix(0, size, 0, rank) * whole.Down.SubMatrix(0, rank, 0, size);
            Assert.True((product - found).L2Norm() < 1e-5 * product.L2Norm());

            float[][] thin = ThinScores.Of(whole.Truncated(rank), null, Part(query / Math.Sqrt(size), h), Part(key, h));
            double most = Math.Max(1, scores.Max(score => Math.Abs(score)));
            for (int i = 0; i < tokens; i++)
            {
                // Ours have what the bias adds to all keys of a query, so that they can stand beside whole keys.
                double shift = query.Row(i).SubVector(h * size, size).DotProduct(
                    Vector<double>.Build.DenseOfEnumerable(bias.Select(value => (double)value))) / Math.Sqrt(size);
                for (int j = 0; j < tokens; j++)
                {
                    Assert.Equal(scores[(h * tokens + i) * tokens + j], thin[i][j] - shift, 1e-5 * most);
                    if (rank == size) Assert.Equal(exact[(h * tokens + i) * tokens + j], thin[i][j], 1e-5 * most);
                }
            }
        }

        Matrix<double> Whole(string part, int rows) =>
            Matrix<double>.Build.DenseOfRowMajor(
            rows, golden.Floats($"{name}.{part}").Length / rows, golden.Floats($"{name}.{part}").Select(value => (double)value));
        Matrix<double> Bias(string part) => Matrix<double>.Build.Dense(tokens, width, (_, c) => golden.Floats($"{name}.{part}")[c]);
        Matrix<double> Block(float[] values, int h, int rows, int columns) =>
            Matrix<double>.Build.Dense(rows, columns, (r, c) => values[(h * rows + r) * columns + c]);
        float[][] Part(Matrix<double> matrix, int h) =>
            [.. Enumerable.Range(0, tokens).Select(t => Enumerable.Range(h * size, size).Select(c => (float)matrix[t, c]).ToArray())];
    }

    [SkippableFact]
    public void Ranks_are_divided_as_in_the_golden_file()
    {
        using SafetensorsFile golden = Layer();
        using JsonDocument allocation = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/factored-keys/allocation.json")));
        double[][] weights = [.. Doubles(golden, "allocation.weights").Chunk(Size)];
        foreach (JsonElement given in allocation.RootElement.GetProperty("cases").EnumerateArray())
        {
            int[] expected = [.. given.GetProperty("ranks").EnumerateArray().SelectMany(layer => layer.EnumerateArray()).Select(
                rank => rank.GetInt32())];
            Assert.Equal(expected,
                RankAllocation.Solve(
                weights, weights.Length * given.GetProperty("mean_rank").GetInt32(), given.GetProperty("min").GetInt32()));
        }
    }

    private static HeadDecomposition Decompose(SafetensorsFile golden, string method, int head)
    {
        Matrix<double> queries = Queries(golden, head), keys = Square(golden, "C_k", head);
        double[] mean = Mean("mean_k");
        if (method == "prerope") return PreRotationFactors.Of(queries, Square(golden, "C_k_pre", head), Pairs(), 640);
        if (method != "kqsvd_weighted") return ScoreFactors.Of(queries, keys, method == "kqsvd" ? [] : mean);
        return ScoreFactors.Of(
            queries, (keys + Square(golden, "C_k_attention_weighted", head)) / 2,
            [.. mean.Zip(Mean("mean_k_attention_weighted"), (a, b) => (a + b) / 2)]);

        double[] Mean(string name) => Doubles(golden, name)[(head * Size)..((head + 1) * Size)];
    }

    private static void Check(SafetensorsFile golden, string name, Func<int, HeadFactors> factors, double tolerance)
    {
        float[] expected = golden.Floats(name);
        double most = expected.Max(score => Math.Abs(score));
        for (int h = 0; h < 3 * Group; h++)
        {
            float[][] queries = Scaled(golden, h);
            HeadFactors head = factors(h / Group);
            float[][] found = ThinScores.Of(head, Rotary, queries, Rows(golden, "k", h / Group));
            for (int i = 0; i < Tokens; i++)
            {
                // The golden scores leave out what the mean adds to all keys of a query.
                double shift = head.Mean.Zip(queries[i]).Sum(pair => (double)pair.First * pair.Second);
                for (int j = 0; j < Tokens; j++)
                    Assert.Equal(expected[(h * Tokens + i) * Tokens + j], found[i][j] - shift, tolerance * most);
            }
        }
    }

    private static SafetensorsFile Layer() => SafetensorsFile.Open(SharedData.Require("golden/factored-keys/rope_layer.safetensors"));

    private static RotatedChannels[] Pairs() => RotatedChannels.Of(new LayerLayout(3, Size, Size, int.MaxValue, Rotary));

    private static Matrix<double> Queries(SafetensorsFile golden, int head) =>
        Enumerable.Range(head * Group, Group).Select(h => Square(golden, "C_q_per_query_head", h)).Aggregate((a, b) => a + b) / Group;

    private static double[] Doubles(SafetensorsFile golden, string name) => MemoryMarshal.Cast<byte, double>(golden.Bytes(name)).ToArray();

    private static Matrix<double> Square(SafetensorsFile golden, string name, int head) =>
        Matrix<double>.Build.DenseOfRowMajor(Size, Size, Doubles(golden, name)[(head * Size * Size)..((head + 1) * Size * Size)]);

    private static float[][] Rows(SafetensorsFile golden, string name, int head) =>
        [.. golden.Floats(name)[(head * Tokens * Size)..((head + 1) * Tokens * Size)].Chunk(Size)];

    private static float[][] Scaled(SafetensorsFile golden, int head) =>
        [.. Rows(golden, "q", head).Select(row => row.Select(x => x / 8).ToArray())];

    private static double[] Softmax(float[] scores)
    {
        double most = scores.Max(), sum = scores.Sum(score => Math.Exp(score - most));
        return [.. scores.Select(score => Math.Exp(score - most) / sum)];
    }
}
