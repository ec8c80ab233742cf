using System.Numerics.Tensors;

namespace Kvasir.Training.Operations;

/// <summary>
/// y = n w + b with n = (x − mean) s, s = 1 / sqrt(variance + ε) of each row (Ba et al. 2016).
/// Gradients, with g = dy w: dx = s (g − mean(g) − n mean(g n)), dw = Σ dy n, db = Σ dy over rows.
/// </summary>
internal static class LayerNorm
{
    /// <summary>x and y [rows, width]; <paramref name="normal"/> [rows, width] receives n, <paramref name="scales"/> [rows] s.</summary>
    public static void Forward(
        ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> y, Span<float> normal,
        Span<float> scales)
    {
        int width = weight.Length;
        for (int row = 0; row < scales.Length; row++)
        {
            ReadOnlySpan<float> input = x.Slice(row * width, width);
            Span<float> n = normal.Slice(row * width, width);
            TensorPrimitives.Subtract(input, TensorPrimitives.Sum(input) / width, n);
            scales[row] = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(n) / width + epsilon);
            TensorPrimitives.Multiply(n, scales[row], n);
            TensorPrimitives.MultiplyAdd(n, weight, bias, y.Slice(row * width, width));
        }
    }

    /// <summary>Adds to <paramref name="dx"/>; overwrites <paramref name="dy"/> with g.</summary>
    public static void BackwardInput(
        Span<float> dy, ReadOnlySpan<float> normal, ReadOnlySpan<float> weight, ReadOnlySpan<float> scales, Span<float> dx)
    {
        int width = weight.Length;
        for (int row = 0; row < scales.Length; row++)
        {
            ReadOnlySpan<float> n = normal.Slice(row * width, width);
            Span<float> g = dy.Slice(row * width, width), gradient = dx.Slice(row * width, width);
            float scale = scales[row];
            TensorPrimitives.Multiply(g, weight, g);
            TensorPrimitives.MultiplyAdd(n, -scale * TensorPrimitives.Dot(g, n) / width, gradient, gradient);
            TensorPrimitives.Add(gradient, -scale * TensorPrimitives.Sum<float>(g) / width, gradient);
            TensorPrimitives.MultiplyAdd(g, scale, gradient, gradient);
        }
    }

    /// <summary>Adds to some columns of dw and db; before <see cref="BackwardInput"/>, which overwrites dy.</summary>
    public static void BackwardWeight(
        ReadOnlySpan<float> dy, ReadOnlySpan<float> normal, RowRange columns, Span<float> dw, Span<float> db)
    {
        int width = dw.Length, rows = dy.Length / width;
        Span<float> weight = dw.Slice(columns.First, columns.Count), bias = db.Slice(columns.First, columns.Count);
        for (int at = columns.First; at < rows * width; at += width)
        {
            ReadOnlySpan<float> gradient = dy.Slice(at, columns.Count);
            TensorPrimitives.MultiplyAdd(gradient, normal.Slice(at, columns.Count), weight, weight);
            TensorPrimitives.Add(bias, gradient, bias);
        }
    }
}
