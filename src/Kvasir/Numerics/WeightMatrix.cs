using System.Runtime.Intrinsics;
using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>
/// Weights [rows, columns] packed once, in panels of 32 rows, for products with <see cref="Activations"/>. Immutable; used by many threads.
/// </summary>
/// <param name="tensor">What is packed.</param>
/// <param name="panelBytes">Bytes of a panel.</param>
/// <param name="maxTokens">Tokens of a whole tile.</param>
/// <param name="passBytes">What the tokens may take of the second-level cache while the panels go by.</param>
internal abstract unsafe class WeightMatrix(Tensor tensor, long panelBytes, int maxTokens, int passBytes) : IDisposable
{
    protected const int PanelRows = PackedFormat.PanelRows;

    private readonly NativeBuffer _panels = new((tensor.Rows + PanelRows - 1) / PanelRows * panelBytes, hugePages: true);

    public int Rows { get; } = tensor.Rows;

    public int Columns { get; } = tensor.Columns;

    /// <summary>Work is split between threads at multiples of this many rows.</summary>
    public int RowGranularity { get; } = PanelRows;

    /// <summary>Bytes held.</summary>
    public long Bytes => _panels.Length;

    /// <summary>Whether <see cref="Multiply"/> reads the int8 form of its activations (else the floats).</summary>
    public abstract bool ReadsInt8 { get; }

    /// <summary>Packs a tensor of any type; with <paramref name="float32"/> dequantised, to be multiplied in float32.</summary>
    /// <exception cref="InvalidInputException">The tensor's columns are no whole blocks of its type.</exception>
    public static WeightMatrix Pack(Tensor tensor, bool float32, KernelPath path, int threads = 1)
    {
        if (float32 || !PackedFormat.IsQuantized(tensor.Type))
        {
            return path switch
            {
                KernelPath.Scalar => PackFloat<FloatKernel<SimdScalar, float>>(tensor, float32, threads),
                KernelPath.Vector128 => PackFloat<FloatKernel<Simd128, Vector128<float>>>(tensor, float32, threads),
                KernelPath.Avx2 or KernelPath.AvxVnni => PackFloat<FloatKernel<Simd256, Vector256<float>>>(tensor, float32, threads),
                _ => PackFloat<FloatKernel<Simd512, Vector512<float>>>(tensor, float32, threads),
            };
        }
        return path switch
        {
            KernelPath.Scalar => new PackedMatrix<ScalarKernel>(tensor, threads),
            KernelPath.Vector128 => new PackedMatrix<Vector128Kernel>(tensor, threads),
            KernelPath.Avx2 => new PackedMatrix<Vector256Kernel<Avx2Dot>>(tensor, threads),
            KernelPath.AvxVnni => new PackedMatrix<Vector256Kernel<AvxVnniDot>>(tensor, threads),
            KernelPath.Avx512 => new PackedMatrix<Avx512Kernel<Avx2Dot>>(tensor, threads),
            _ => new PackedMatrix<Avx512Kernel<AvxVnniDot>>(tensor, threads),
        };
    }

    /// <summary>
    /// output[t * stride + r] (=, or += with <paramref name="accumulate"/>) sum over c of W[r, c] x[firstToken + t, c], plus bias[r] where
    /// given, for t in [0, tokens) and r in [firstRow, endRow).
    /// </summary>
    public void Multiply(Activations x, int firstToken, int tokens, int firstRow, int endRow, float* output, long stride, float* bias,
        bool accumulate)
    {
        CheckRange(x, firstToken, tokens, firstRow, endRow);
        // As many tokens as the second-level cache holds while the panels go by, in whole tiles.
        int pass = Math.Max((int)(passBytes / TokenBytes(x)) / maxTokens, 1) * maxTokens;
        for (int token = 0; token < tokens; token += pass)
            MultiplyPass(x, firstToken + token, Math.Min(tokens - token, pass), firstRow, endRow, output + token * stride, stride, bias,
                accumulate);
    }

    /// <summary>One row, dequantised (embedding look-up).</summary>
    public void ReadRow(int row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        if (destination.Length < Columns)
            throw new ArgumentException($"Room for {destination.Length} of {Columns} columns", nameof(destination));
        Unpack(Panel(row), row % PanelRows, destination);
    }

    public void Dispose() => _panels.Dispose();

    /// <summary>The panel of a row.</summary>
    protected byte* Panel(int row) => _panels.Pointer + row / PanelRows * panelBytes;

    /// <summary>Bytes of a token in the form that is read.</summary>
    protected abstract nint TokenBytes(Activations x);

    /// <inheritdoc cref="Multiply"/>
    protected abstract void MultiplyPass(
        Activations x, int firstToken, int tokens, int firstRow, int endRow, float* output, long stride, float* bias, bool accumulate);

    /// <summary>One row of a panel, dequantised.</summary>
    protected abstract void Unpack(byte* panel, int row, Span<float> destination);

    private static WeightMatrix PackFloat<TKernel>(Tensor tensor, bool float32, int threads) where TKernel : IFloatKernel =>
        tensor.Type switch
    {
        TensorType.F16 when !float32 => new FloatMatrix<TKernel, HalfElement>(tensor, threads),
        TensorType.BF16 when !float32 => new FloatMatrix<TKernel, BFloat16Element>(tensor, threads),
        _ => new FloatMatrix<TKernel, SingleElement>(tensor, threads),
    };

    /// <summary>Refuses what would read or write outside.</summary>
    private void CheckRange(Activations x, int firstToken, int tokens, int firstRow, int endRow)
    {
        if (x.Columns != Columns) throw new ArgumentException($"Activations of {x.Columns} columns, weights of {Columns}", nameof(x));
        if (firstToken < 0 || tokens < 0 || firstToken > x.Tokens - tokens)
            throw new ArgumentOutOfRangeException(nameof(firstToken), $"{tokens} tokens from {firstToken} of {x.Tokens}");
        if (firstRow < 0 || firstRow > endRow || endRow > Rows || firstRow % PanelRows != 0 || (endRow % PanelRows != 0 && endRow != Rows))
            throw new ArgumentOutOfRangeException(nameof(firstRow), $"rows {firstRow}..{endRow} of {Rows}, in steps of {PanelRows}");
    }
}
