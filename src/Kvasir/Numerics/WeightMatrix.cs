using System.Runtime.Intrinsics;
using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>
/// Weights [rows, columns] packed once, in panels of 32 rows, for products with <see cref="Activations"/>. Immutable; used by many threads.
/// </summary>
internal abstract unsafe class WeightMatrix : IDisposable
{
    protected const int PanelRows = PackedFormat.PanelRows;

    private readonly NativeArena? _arena;
    private readonly NativeBuffer _panels;
    private readonly long _firstByte, _panelBytes;
    private readonly int _maxTokens, _passBytes;

    /// <param name="tensor">What is packed.</param>
    /// <param name="panelBytes">Bytes of a panel.</param>
    /// <param name="maxTokens">Tokens of a whole tile.</param>
    /// <param name="passBytes">What the tokens may take of the second-level cache while the panels go by.</param>
    /// <param name="arena">Whose memory it takes, or null for memory of its own.</param>
    protected WeightMatrix(Tensor tensor, long panelBytes, int maxTokens, int passBytes, NativeArena? arena)
    {
        (Rows, Columns, _panelBytes, _maxTokens, _passBytes, _arena) =
            (tensor.Rows, tensor.Columns, panelBytes, maxTokens, passBytes, arena);
        Bytes = (Rows + PanelRows - 1) / PanelRows * panelBytes;
        _panels = arena?.Take(Bytes, out _firstByte) ?? new NativeBuffer(Bytes, hugePages: true);
    }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>Work is split between threads at multiples of this many rows.</summary>
    public int RowGranularity { get; } = PanelRows;

    /// <summary>Bytes held.</summary>
    public long Bytes { get; }

    /// <summary>Whether <see cref="Multiply"/> reads the int8 form of its activations (else the floats).</summary>
    public abstract bool ReadsInt8 { get; }

    /// <summary>Packs a tensor of any type; with <paramref name="float32"/> dequantised, to be multiplied in float32.</summary>
    /// <param name="tensor">What is packed.</param>
    /// <param name="float32">Whether to multiply in float32.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="threads">How many may pack.</param>
    /// <param name="arena">Whose memory it takes, or null for memory of its own.</param>
    /// <exception cref="InvalidInputException">The tensor's columns are no whole blocks of its type.</exception>
    public static WeightMatrix Pack(Tensor tensor, bool float32, KernelPath path, int threads = 1, NativeArena? arena = null)
    {
        if (float32 || !PackedFormat.IsQuantized(tensor.Type))
        {
            return path switch
            {
                KernelPath.Scalar => PackFloat<FloatKernel<SimdScalar, float>>(tensor, float32, threads, arena),
                KernelPath.Vector128 or KernelPath.NeonDot =>
                    PackFloat<FloatKernel<Simd128, Vector128<float>>>(tensor, float32, threads, arena),
                KernelPath.Avx2 or KernelPath.AvxVnni => PackFloat<FloatKernel<Simd256, Vector256<float>>>(tensor, float32, threads, arena),
                _ => PackFloat<FloatKernel<Simd512, Vector512<float>>>(tensor, float32, threads, arena),
            };
        }
        return path switch
        {
            KernelPath.Scalar => new PackedMatrix<ScalarKernel>(tensor, threads, arena),
            KernelPath.Vector128 => new PackedMatrix<Vector128Kernel>(tensor, threads, arena),
            KernelPath.NeonDot => new PackedMatrix<NeonDotKernel>(tensor, threads, arena),
            KernelPath.Avx2 => new PackedMatrix<Vector256Kernel<Avx2Dot>>(tensor, threads, arena),
            KernelPath.AvxVnni => new PackedMatrix<Vector256Kernel<AvxVnniDot>>(tensor, threads, arena),
#if NET11_0_OR_GREATER
            KernelPath.Avx512Dot when System.Runtime.Intrinsics.X86.AvxVnni.IsSupported =>
                new PackedMatrix<Avx512DotKernel<AvxVnniDot>>(tensor, threads, arena),
            KernelPath.Avx512Dot => new PackedMatrix<Avx512DotKernel<LowerHalfDot>>(tensor, threads, arena),
#endif
            KernelPath.Avx512 => new PackedMatrix<Avx512Kernel<Avx2Dot>>(tensor, threads, arena),
            _ => new PackedMatrix<Avx512Kernel<AvxVnniDot>>(tensor, threads, arena),
        };
    }

    /// <summary>
    /// output[t, r] (=, or += with <paramref name="accumulate"/>) sum over c of W[r, c] x[firstToken + t, c], plus bias[r] where given, for
    /// t in [0, tokens) and r in [firstRow, endRow).
    /// </summary>
    public void Multiply(
        Activations x, int firstToken, int tokens, int firstRow, int endRow, FloatRows output, float* bias, bool accumulate)
    {
        CheckRange(x, firstToken, tokens, firstRow, endRow);
        // As many tokens as the second-level cache holds while the panels go by, in whole tiles.
        int pass = Math.Max((int)(_passBytes / TokenBytes(x)) / _maxTokens, 1) * _maxTokens;
        for (int token = 0; token < tokens; token += pass)
            MultiplyPass(x, firstToken + token, Math.Min(tokens - token, pass), firstRow, endRow, output.From(token), bias, accumulate);
    }

    /// <summary>One row, dequantised (embedding look-up).</summary>
    public void ReadRow(int row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        if (destination.Length < Columns)
            throw new ArgumentException($"Room for {destination.Length} of {Columns} columns", nameof(destination));
        Unpack(Panel(row), row % PanelRows, destination);
    }

    /// <summary>Frees its own memory; an arena's is freed with the arena.</summary>
    public void Dispose()
    {
        if (_arena is null) _panels.Dispose();
    }

    /// <summary>The panel of a row.</summary>
    protected byte* Panel(int row) => _panels.Pointer + _firstByte + row / PanelRows * _panelBytes;

    /// <summary>Bytes of a token in the form that is read.</summary>
    protected abstract nint TokenBytes(Activations x);

    /// <inheritdoc cref="Multiply"/>
    protected abstract void MultiplyPass(
        Activations x, int firstToken, int tokens, int firstRow, int endRow, FloatRows output, float* bias, bool accumulate);

    /// <summary>One row of a panel, dequantised.</summary>
    protected abstract void Unpack(byte* panel, int row, Span<float> destination);

    private static WeightMatrix PackFloat<TKernel>(Tensor tensor, bool float32, int threads, NativeArena? arena)
        where TKernel : IFloatKernel => tensor.Type switch
        {
            TensorType.F16 when !float32 => new FloatMatrix<TKernel, HalfElement>(tensor, threads, arena),
            TensorType.BF16 when !float32 => new FloatMatrix<TKernel, BFloat16Element>(tensor, threads, arena),
            _ => new FloatMatrix<TKernel, SingleElement>(tensor, threads, arena),
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
