using MathNet.Numerics.LinearAlgebra;

namespace Kvasir.Factoring;

/// <summary>
/// <c>kqsvd</c>: keys as attention multiplies them; of any rank the scores that are best in least squares over the queries and keys of a
/// calibration text. With U S V^T = svd(C_q^1/2 C_k^1/2): Down = (C_k^-1/2 V S^1/2)^T, Up = C_q^-1/2 U S^1/2.
/// </summary>
internal static class ScoreFactors
{
    private const double Floor = 1e-9;

    /// <param name="queries">E[q q^T], rotated.</param>
    /// <param name="keys">E[k k^T], rotated.</param>
    /// <param name="mean">E[k], to be kept apart from what is projected; empty for none.</param>
    public static HeadDecomposition Of(Matrix<double> queries, Matrix<double> keys, double[] mean)
    {
        if (mean.Length > 0) keys -= Vector<double>.Build.DenseOfArray(mean).OuterProduct(Vector<double>.Build.DenseOfArray(mean));
        (Matrix<double> queryRoot, Matrix<double> queryInverse) = SymmetricMatrix.Roots(queries, Floor);
        (Matrix<double> keyRoot, Matrix<double> keyInverse) = SymmetricMatrix.Roots(keys, Floor);
        var svd = (queryRoot * keyRoot).Svd();
        Matrix<double> roots = Matrix<double>.Build.DiagonalOfDiagonalVector(svd.S.PointwiseSqrt());
        return new HeadDecomposition(
            false, roots * svd.VT * keyInverse, queryInverse * svd.U * roots, [.. svd.S.Select(value => value * value)], mean);
    }
}
