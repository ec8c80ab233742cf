using System.Numerics.Tensors;

namespace Kvasir.Training.Operations;

/// <summary>
/// y = x s w with s = 1 / sqrt(mean(x²) + ε) of each row (Zhang and Sennrich 2019).
/// Gradients, with g = dy w: dx = s (g − x s² mean(g x)), dw = Σ dy x s over rows.
/// </summary>
internal static class RmsNorm
{
    /// <summary>x and y [rows, width]; <paramref name="scales"/> [rows] receives s.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, Span<float> y, Span<float> scales)
    {
        int width = weight.Length;
        for (int row = 0; row < scales.Length; row++)
        {
            ReadOnlySpan<float> input = x.Slice(row * width, width);
            Span<float> output = y.Slice(row * width, width);
            scales[row] = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares(input) / width + epsilon);
            TensorPrimitives.Multiply(input, scales[row], output);
            TensorPrimitives.Multiply(output, weight, output);
        }
    }

    /// <summary>Adds to <paramref name="dx"/>; overwrites <paramref name="dy"/> with g.</summary>
    public static void BackwardInput(
        Span<float> dy, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> scales, Span<float> dx)
    {
        int width = weight.Length;
        for (int row = 0; row < scales.Length; row++)
        {
            ReadOnlySpan<float> input = x.Slice(row * width, width);
            Span<float> g = dy.Slice(row * width, width), gradient = dx.Slice(row * width, width);
            float scale = scales[row];
            TensorPrimitives.Multiply(g, weight, g);
            float shift = -scale * scale * scale * TensorPrimitives.Dot(g, input) / width;
            TensorPrimitives.MultiplyAdd(input, shift, gradient, gradient);
            TensorPrimitives.MultiplyAdd(g, scale, gradient, gradient);
        }
    }

    /// <summary>Adds to some columns of dw; before <see cref="BackwardInput"/>, which overwrites dy.</summary>
    public static void BackwardWeight(
        ReadOnlySpan<float> dy, ReadOnlySpan<float> x, ReadOnlySpan<float> scales, RowRange columns, Span<float> dw)
    {
        int width = dw.Length;
        Span<float> sum = dw.Slice(columns.First, columns.Count), scaled = stackalloc float[columns.Count];
        for (int row = 0; row < scales.Length; row++)
        {
            TensorPrimitives.Multiply(x.Slice(row * width + columns.First, columns.Count), scales[row], scaled);
            TensorPrimitives.MultiplyAdd(scaled, dy.Slice(row * width + columns.First, columns.Count), sum, sum);
        }
    }
}
