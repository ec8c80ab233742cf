using System.Numerics.Tensors;

namespace Kvasir.Numerics;

/// <summary>Normalisation of one row.</summary>
internal static class Norms
{
    /// <summary>output = x / sqrt(mean(x²) + epsilon) * weight (Zhang and Sennrich 2019). Output may be x.</summary>
    public static void Rms(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, Span<float> output)
    {
        float scale = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares(x) / x.Length + epsilon);
        TensorPrimitives.Multiply(x, scale, output);
        TensorPrimitives.Multiply(output, weight, output);
    }

    /// <summary>output = (x - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al. 2016). Output may be x.</summary>
    public static void Layer(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> output)
    {
        TensorPrimitives.Subtract(x, TensorPrimitives.Sum(x) / x.Length, output);
        float scale = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares(output) / x.Length + epsilon);
        TensorPrimitives.Multiply(output, scale, output);
        TensorPrimitives.MultiplyAdd(output, weight, bias, output);
    }
}
