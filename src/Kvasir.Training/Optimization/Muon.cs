using System.Numerics.Tensors;
using Kvasir.Numerics;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Optimization;

/// <summary>
/// Muon (Jordan et al. 2024): m = μ m + g, and a matrix moves along the nearest matrix to g + μ m whose singular values are all alike:
/// w −= rate (0.2 √max(rows, columns) UVᵀ + decay w). Directions that gradients rarely point in move as far as the others. The factor gives
/// steps of the size of AdamW's (Liu et al. 2025, arXiv:2502.16982), so both go by one rate. UVᵀ comes from five steps of Newton and Schulz
/// with a polynomial of degree five: X = a X + (b A + c A²) X, A = X Xᵀ.
/// </summary>
internal sealed unsafe class Muon
{
    private const float Momentum = 0.95f, Likeness = 0.2f, Smallest = 1e-7f;
    private const float A = 3.4445f, B = -4.775f, C = 2.0315f;
    private const int Iterations = 5;

    private readonly IReadOnlyList<Parameter> _matrices;
    private readonly float[][] _momenta;

    public Muon(IReadOnlyList<Parameter> matrices)
    {
        _matrices = matrices;
        _momenta = [.. matrices.Select(matrix => new float[matrix.Values.Length])];
    }

    /// <summary>The running sum of each matrix's gradients.</summary>
    public IEnumerable<float[]> State => _momenta;

    /// <inheritdoc cref="AdamW.Step"/>
    public void Step(Worker worker, float rate, float decay, float scale)
    {
        foreach (int task in worker.Tasks(_matrices.Count)) Update(worker, task, rate, decay, scale);
    }

    private void Update(Worker worker, int index, float rate, float decay, float scale)
    {
        Parameter matrix = _matrices[index];
        float[] momentum = _momenta[index], gradient = matrix.Gradient;
        TensorPrimitives.Multiply(gradient, scale, gradient);
        TensorPrimitives.MultiplyAdd(momentum, Momentum, gradient, momentum);
        TensorPrimitives.MultiplyAdd(momentum, Momentum, gradient, gradient); // what it moves along
        Orthogonalize(worker, matrix.Rows, matrix.Columns, gradient);
        float step = rate * Likeness * MathF.Sqrt(Math.Max(matrix.Rows, matrix.Columns));
        TensorPrimitives.Multiply(matrix.Values, 1 - rate * decay, matrix.Values);
        TensorPrimitives.MultiplyAdd(gradient, -step, matrix.Values, matrix.Values);
    }

    /// <summary>A matrix [rows, columns] becomes the nearest with singular values near 1, by one thread.</summary>
    public static void Orthogonalize(Worker worker, int rows, int columns, Span<float> matrix)
    {
        bool isTall = rows > columns;
        int low = Math.Min(rows, columns), high = Math.Max(rows, columns), size = low * high;
        float* x = worker.Scratch(3L * size + 2L * low * low), next = x + size, transposed = next + size;
        float* gram = transposed + size, factor = gram + low * low;
        AttentionKernels kernels = worker.Kernels;
        fixed (float* source = matrix)
        {
            if (isTall) Products.Transpose(source, columns, rows, columns, x, rows);
            else matrix.CopyTo(new Span<float>(x, size));
            kernels.Scale(x, size, 1 / (TensorPrimitives.Norm(new ReadOnlySpan<float>(x, size)) + Smallest));
            for (int iteration = 0; iteration < Iterations; iteration++)
            {
                Products.Transpose(x, high, low, high, transposed, low);
                kernels.Multiply(new(x, high), transposed, low, high, low, new(gram, low), accumulate: false);
                // b A + c A² = (b I + c A) A
                new ReadOnlySpan<float>(gram, low * low).CopyTo(new Span<float>(factor, low * low));
                kernels.Scale(factor, low * low, C);
                for (int i = 0; i < low; i++) factor[i * low + i] += B;
                kernels.Multiply(new(factor, low), gram, low, low, low, new(transposed, low), accumulate: false);
                for (int i = 0; i < low; i++) transposed[i * low + i] += A;
                kernels.Multiply(new(transposed, low), x, low, low, high, new(next, high), accumulate: false);
                float* swapped = x;
                x = next;
                next = swapped;
            }
            if (isTall) Products.Transpose(x, rows, columns, rows, source, columns);
            else new ReadOnlySpan<float>(x, size).CopyTo(matrix);
        }
    }
}
