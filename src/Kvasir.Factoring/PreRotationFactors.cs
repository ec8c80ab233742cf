using System.Numerics;
using Kvasir.Cache;
using Kvasir.Numerics;
using MathNet.Numerics.LinearAlgebra;
using RealVector = MathNet.Numerics.LinearAlgebra.Vector<double>;

namespace Kvasir.Factoring;

/// <summary>
/// <c>prerope</c>: keys before their rotation, in the metric of the queries that will meet them. With M the mean over positions s of R_s^T
/// C_q R_s and U the eigenvectors of M^1/2 C_k M^1/2: Down = U^T M^1/2, Up = M^-1/2 U. The best that is known without training where keys
/// are rotated.
/// </summary>
internal static class PreRotationFactors
{
    private const double Floor = 1e-6;

    /// <param name="queries">E[q q^T] of rotated queries.</param>
    /// <param name="keys">E[k k^T] of keys before their rotation.</param>
    /// <param name="pairs">The channels that are turned together, with the radians per position.</param>
    /// <param name="positions">Distances of key and query to take the mean over.</param>
    public static HeadDecomposition Of(Matrix<double> queries, Matrix<double> keys, IReadOnlyList<RotatedChannels> pairs, int positions)
    {
        (Matrix<double> root, Matrix<double> inverse) = SymmetricMatrix.Roots(MeanMetric(queries, pairs, positions), Floor);
        (double[] values, Matrix<double> vectors) = SymmetricMatrix.Eigenpairs(root * keys * root);
        // Any scale of a direction gives the same product; with this one every number that is kept varies by 1, so that float16 holds it
        // and the kept channels can be chosen by size.
        RealVector deviations =
            RealVector.Build.DenseOfEnumerable(values.Select(value => Math.Sqrt(Math.Max(value, values[0] * 1e-12) + double.Epsilon)));
        Matrix<double> Scale(RealVector by) => Matrix<double>.Build.DiagonalOfDiagonalVector(by);
        return new HeadDecomposition(
            true, Scale(1 / deviations) * vectors.Transpose() * root, inverse * vectors * Scale(deviations), values, []);
    }

    /// <summary>
    /// The mean over s = 0 .. <paramref name="positions"/> - 1 of R_s^T C R_s. With two channels taken as one complex number, R_s
    /// multiplies it by e^(i s theta), and what C does from pair to pair is L z + N conj(z): L is multiplied by the mean of e^(i s (b -
    /// a)), N by that of e^(-i s (a + b)).
    /// </summary>
    internal static Matrix<double> MeanMetric(Matrix<double> c, IReadOnlyList<RotatedChannels> pairs, int positions)
    {
        Matrix<double> mean = Matrix<double>.Build.Dense(c.RowCount, c.ColumnCount);
        foreach (RotatedChannels to in pairs)
            foreach (RotatedChannels from in pairs)
            {
                double p = c[to.First, from.First], q = c[to.First, from.Second],
                    r = c[to.Second, from.First], t = c[to.Second, from.Second];
                Complex linear = new Complex(p + t, r - q) / 2 * MeanTurn(from.Frequency - to.Frequency, positions);
                Complex conjugate = new Complex(p - t, r + q) / 2 * MeanTurn(-(from.Frequency + to.Frequency), positions);
                mean[to.First, from.First] = linear.Real + conjugate.Real;
                mean[to.First, from.Second] = conjugate.Imaginary - linear.Imaginary;
                mean[to.Second, from.First] = linear.Imaginary + conjugate.Imaginary;
                mean[to.Second, from.Second] = linear.Real - conjugate.Real;
            }
        return mean;
    }

    /// <summary>The mean of e^(i s angle) over s = 0 .. count - 1.</summary>
    private static Complex MeanTurn(double angle, int count)
    {
        double half = Math.IEEERemainder(angle, 2 * Math.PI) / 2;
        return Math.Abs(half) < 1e-12 ? Complex.One
            : Complex.FromPolarCoordinates(Math.Sin(count * half) / (count * Math.Sin(half)), (count - 1) * half);
    }
}

/// <summary>Two channels that are turned together, by so many radians a position.</summary>
internal readonly record struct RotatedChannels(int First, int Second, double Frequency)
{
    /// <summary>All channels of a layer's keys; those that are not turned with frequency 0.</summary>
    public static RotatedChannels[] Of(LayerLayout layer)
    {
        var runs = new RotaryRuns(layer.Rotary!, layer.KeyChannels);
        return [.. runs.Channels.Zip(runs.Frequencies, (pair, frequency) => new RotatedChannels(pair.First, pair.Second, frequency))];
    }
}
