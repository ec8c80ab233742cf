using System.Numerics.Tensors;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;
using Kvasir.Training.Optimization;
using Kvasir.Training.Tests.Operations;

namespace Kvasir.Training.Tests;

public sealed class MuonTests
{
    /// <summary>Singular values from 1 to 0.05, between orthonormal vectors that are known.</summary>
    [Theory]
    [InlineData(24, 24)]
    [InlineData(40, 24)]
    [InlineData(24, 40)]
    public void Singular_vectors_stay_and_their_values_come_near_one(int rows, int columns)
    {
        int rank = Math.Min(rows, columns);
        float[][] left = Orthonormal(rank, rows, 1), right = Orthonormal(rank, columns, 2);
        float[] matrix = new float[rows * columns];
        for (int k = 0; k < rank; k++)
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    matrix[i * columns + j] += (1 - 0.95f * k / (rank - 1)) * left[k][i] * right[k][j];
        using var crew = new Crew(1);
        crew.Run(worker => Muon.Orthogonalize(worker, rows, columns, matrix));
        for (int a = 0; a < rank; a++)
            for (int b = 0; b < rank; b++)
            {
                float value = 0;
                for (int i = 0; i < rows; i++)
                    value += left[a][i] * TensorPrimitives.Dot<float>(matrix.AsSpan(i * columns, columns), right[b]);
                if (a == b) Assert.InRange(value, 0.6f, 1.3f);
                else Assert.InRange(value, -0.01f, 0.01f);
            }
    }

    /// <summary>The first step goes against the gradient, as far as AdamW's would.</summary>
    [Fact]
    public void A_matrix_moves_against_its_gradient_by_the_rate()
    {
        const float rate = 0.01f;
        var matrix = new Parameter("w", 16, 48) { Trains = true };
        GradientCheck.Random(16 * 48, 3).CopyTo(matrix.Gradient, 0);
        float[] gradient = [.. matrix.Gradient];
        using var crew = new Crew(1);
        var muon = new Muon([matrix]);
        crew.Run(worker => muon.Step(worker, rate, decay: 0, scale: 1));
        Assert.True(TensorPrimitives.Dot<float>(matrix.Values, gradient) < 0);
        double size = Math.Sqrt(TensorPrimitives.SumOfSquares<float>(matrix.Values) / matrix.Values.Length);
        Assert.InRange(size, 0.14 * rate, 0.26 * rate); // 0.2 for singular values of 1
    }

    private static float[][] Orthonormal(int count, int length, int seed)
    {
        float[][] vectors = [.. Enumerable.Range(0, count).Select(i => GradientCheck.Random(length, 100 * seed + i))];
        for (int i = 0; i < count; i++)
        {
            for (int k = 0; k < 2 * i; k++) // twice, for what rounding left
            {
                float along = TensorPrimitives.Dot<float>(vectors[k % i], vectors[i]);
                TensorPrimitives.MultiplyAdd(vectors[k % i], -along, vectors[i], vectors[i]);
            }
            TensorPrimitives.Divide(vectors[i], TensorPrimitives.Norm<float>(vectors[i]), vectors[i]);
        }
        return vectors;
    }
}
