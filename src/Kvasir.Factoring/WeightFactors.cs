using MathNet.Numerics.LinearAlgebra;

namespace Kvasir.Factoring;

/// <summary>
/// <c>svd</c>: truncated singular value decomposition of a head's part of W_K = U S V^T: Down = U^T, Up = U, without a calibration text.
/// Where keys are not rotated it is exact up to what is cut off, and what all keys have in common, the bias, needs no cache; where they
/// are, it is taken before the rotation.
/// </summary>
internal static class WeightFactors
{
    /// <param name="weights">[channels, width]: W_K of one head.</param>
    /// <param name="bias">[channels], or empty for none.</param>
    /// <param name="beforeRotation">Whether keys are rotated afterwards.</param>
    public static HeadDecomposition Of(Matrix<double> weights, double[] bias, bool beforeRotation)
    {
        (double[] values, Matrix<double> vectors) = SymmetricMatrix.Eigenpairs(weights * weights.Transpose());
        return new HeadDecomposition(beforeRotation, vectors.Transpose(), vectors, values, bias);
    }
}
