using Kvasir.Models;
using Kvasir.Numerics;

namespace Kvasir.Vision.Towers;

/// <summary>
/// From the tower's features to rows that the language model reads: what is gathered of a square of patches, times one matrix, or two with
/// GELU in its tanh form between them.
/// </summary>
internal sealed unsafe class Projector(TowerSpec spec, TowerKernels kernels, PatchGathering gather, Linear first, Linear? second = null)
{
    /// <summary>Floats of a row: the language model's width.</summary>
    public int Width => (second ?? first).Matrix.Rows;

    /// <summary>The rows of one picture of the tower's size, [rows, width].</summary>
    /// <param name="features">[patches, tower's width]</param>
    public float[] Project(ReadOnlySpan<float> features)
    {
        var rows = new float[spec.Rows * Width];
        using var input = new Activations(spec.Rows, first.Matrix.Columns);
        for (int row = 0; row < spec.Rows; row++) gather(spec, features, row, new Span<float>(input.Row(row), input.Columns));
        fixed (float* output = rows)
        {
            if (second is null)
            {
                kernels.Multiply(first, input, output, Width);
                return rows;
            }
            using var hidden = new Activations(spec.Rows, first.Matrix.Rows);
            kernels.Multiply(first, input, hidden.Row(0), hidden.FloatStride);
            kernels.Apply(Activation.GeluTanh, hidden);
            kernels.Multiply(second, hidden, output, Width);
        }
        return rows;
    }
}
