using System.Runtime.Intrinsics;
using Kvasir.Formats;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Weights [rows, columns] packed once for products with <see cref="Activations"/>. Immutable; used by many threads.</summary>
internal abstract unsafe class WeightMatrix : IDisposable
{
    public abstract int Rows { get; }

    public abstract int Columns { get; }

    /// <summary>Bytes held.</summary>
    public abstract long Bytes { get; }

    /// <summary>Work is split between threads at multiples of this many rows.</summary>
    public abstract int RowGranularity { get; }

    /// <summary>Whether <see cref="Multiply"/> reads the int8 form of its activations (else the floats).</summary>
    public abstract bool ReadsInt8 { get; }

    /// <summary>Packs a tensor of any type; with <paramref name="float32"/> dequantised, to be multiplied in float32.</summary>
    /// <exception cref="InvalidInputException">The tensor's columns are no whole blocks of its type.</exception>
    public static WeightMatrix Pack(Tensor tensor, bool float32, KernelPath path)
    {
        if (float32 || !PackedFormat.IsQuantized(tensor.Type))
        {
            return path switch
            {
                KernelPath.Scalar => PackFloat<FloatKernel<SimdScalar, float>>(tensor, float32),
                KernelPath.Vector128 => PackFloat<FloatKernel<Simd128, Vector128<float>>>(tensor, float32),
                KernelPath.Avx2 or KernelPath.AvxVnni => PackFloat<FloatKernel<Simd256, Vector256<float>>>(tensor, float32),
                _ => PackFloat<FloatKernel<Simd512, Vector512<float>>>(tensor, float32),
            };
        }
        return path switch
        {
            KernelPath.Scalar => new PackedMatrix<ScalarKernel>(tensor),
            KernelPath.Vector128 => new PackedMatrix<Vector128Kernel>(tensor),
            KernelPath.Avx2 => new PackedMatrix<Vector256Kernel<Avx2Dot>>(tensor),
            KernelPath.AvxVnni => new PackedMatrix<Vector256Kernel<AvxVnniDot>>(tensor),
            KernelPath.Avx512 => new PackedMatrix<Avx512Kernel<Avx2Dot>>(tensor),
            _ => new PackedMatrix<Avx512Kernel<AvxVnniDot>>(tensor),
        };
    }

    /// <summary>
    /// output[t * stride + r] (=, or += with <paramref name="accumulate"/>) sum over c of W[r, c] x[firstToken + t, c], plus bias[r] where
    /// given, for t in [0, tokens) and r in [firstRow, endRow).
    /// </summary>
    public abstract void Multiply(Activations x, int firstToken, int tokens, int firstRow, int endRow, float* output, long stride, float* bias, bool accumulate);

    /// <summary>One row, dequantised (embedding look-up).</summary>
    public abstract void ReadRow(int row, Span<float> destination);

    public abstract void Dispose();

    private static WeightMatrix PackFloat<TKernel>(Tensor tensor, bool float32) where TKernel : IFloatKernel => tensor.Type switch
    {
        TensorType.F16 when !float32 => new FloatMatrix<TKernel, HalfElement>(tensor),
        TensorType.BF16 when !float32 => new FloatMatrix<TKernel, BFloat16Element>(tensor),
        _ => new FloatMatrix<TKernel, SingleElement>(tensor),
    };

    /// <summary>Refuses what would read or write outside.</summary>
    protected void CheckRange(Activations x, int firstToken, int tokens, int firstRow, int endRow)
    {
        if (x.Columns != Columns) throw new ArgumentException($"Activations of {x.Columns} columns, weights of {Columns}", nameof(x));
        if (firstToken < 0 || tokens < 0 || firstToken > x.Tokens - tokens) throw new ArgumentOutOfRangeException(nameof(firstToken), $"{tokens} tokens from {firstToken} of {x.Tokens}");
        if (firstRow < 0 || firstRow > endRow || endRow > Rows || firstRow % RowGranularity != 0 || (endRow % RowGranularity != 0 && endRow != Rows))
            throw new ArgumentOutOfRangeException(nameof(firstRow), $"rows {firstRow}..{endRow} of {Rows}, in steps of {RowGranularity}");
    }
}
