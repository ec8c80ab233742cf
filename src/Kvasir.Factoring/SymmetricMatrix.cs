using MathNet.Numerics.LinearAlgebra;

namespace Kvasir.Factoring;

/// <summary>Eigenpairs and powers of symmetric matrices.</summary>
internal static class SymmetricMatrix
{
    /// <summary>Eigenvalues, descending, and the matrix whose columns are their vectors.</summary>
    public static (double[] Values, Matrix<double> Vectors) Eigenpairs(Matrix<double> matrix)
    {
        var decomposition = ((matrix + matrix.Transpose()) / 2).Evd(Symmetricity.Symmetric);
        int[] order = [.. Enumerable.Range(0, matrix.RowCount).OrderByDescending(i => decomposition.EigenValues[i].Real)];
        return ([.. order.Select(i => decomposition.EigenValues[i].Real)],
            Matrix<double>.Build.DenseOfColumnVectors(order.Select(decomposition.EigenVectors.Column)));
    }

    /// <summary>
    /// The symmetric square root and its inverse; eigenvalues below <paramref name="floor"/> times the largest are raised to that.
    /// </summary>
    public static (Matrix<double> Root, Matrix<double> Inverse) Roots(Matrix<double> matrix, double floor)
    {
        (double[] values, Matrix<double> vectors) = Eigenpairs(matrix);
        double least = Math.Max(values[0] * floor, double.Epsilon);
        Vector<double> roots = Vector<double>.Build.DenseOfEnumerable(values.Select(value => Math.Sqrt(Math.Max(value, least))));
        return (Scaled(roots), Scaled(1 / roots));

        Matrix<double> Scaled(Vector<double> by) => vectors * Matrix<double>.Build.DiagonalOfDiagonalVector(by) * vectors.Transpose();
    }
}
