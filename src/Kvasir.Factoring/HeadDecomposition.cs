using Kvasir.Cache;
using MathNet.Numerics.LinearAlgebra;

namespace Kvasir.Factoring;

/// <summary>
/// A head's keys in as many directions as they have channels, the most important first: its factors of any rank are the first of them.
/// </summary>
/// <param name="BeforeRotation">Whether it is of keys before their rotation.</param>
/// <param name="Down">[channels, channels], a row a direction.</param>
/// <param name="Up">[channels, channels], a column a direction.</param>
/// <param name="Weights">What each direction is worth, descending; comparable between heads.</param>
/// <param name="Mean">[channels], or empty for none.</param>
internal sealed record HeadDecomposition(bool BeforeRotation, Matrix<double> Down, Matrix<double> Up, double[] Weights, double[] Mean)
{
    /// <summary>The factors of one rank, in float32.</summary>
    public HeadFactors Truncated(int rank) =>
        new(BeforeRotation, Up.RowCount, Floats(Down.SubMatrix(0, rank, 0, Down.ColumnCount)),
        Floats(Up.SubMatrix(0, Up.RowCount, 0, rank)), [.. Mean.Select(x => (float)x)]);

    private static float[] Floats(Matrix<double> matrix) => [.. matrix.ToRowMajorArray().Select(x => (float)x)];
}
