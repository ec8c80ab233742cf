using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Weights of 16 or 32 bits in panels of 32 rows, [panel][column][row], multiplied with the float activations.</summary>
internal sealed unsafe class FloatMatrix<TKernel, TElement> : WeightMatrix where TKernel : IFloatKernel where TElement : IFloatElement
{
    private const int PanelRows = PackedFormat.PanelRows, MaxTokens = 6, PassBytes = 400 * 1024;

    private readonly NativeBuffer _buffer;
    private readonly byte* _panels;
    private readonly long _panelBytes;
    private readonly float _factor;

    /// <summary>
    /// Takes a float tensor as it is, any other dequantised (<typeparamref name="TElement"/> is then <see cref="SingleElement"/>).
    /// </summary>
    public FloatMatrix(Tensor tensor)
    {
        Rows = tensor.Rows;
        Columns = tensor.Columns;
        if (tensor.ByteLength < GgmlBlocks.ByteLength(tensor.Type, (long)Rows * Columns))
            throw new InvalidInputException($"{tensor.Name}: {Rows} x {Columns} values of {tensor.Type} do not fit its {tensor.ByteLength} bytes");
        _panelBytes = (long)Columns * PanelRows * TElement.Bytes;
        _buffer = new NativeBuffer((Rows + PanelRows - 1) / PanelRows * _panelBytes, hugePages: true);
        _panels = _buffer.Pointer;
        int shift = tensor.Type == TensorType.F16 ? HalfVectors.Shift : 0;
        if (TElement.Bytes == 4) PackFloats(tensor);
        else if (!TryPackWords(tensor, shift)) TryPackWords(tensor, shift = 0);
        _factor = HalfVectors.Factor(shift);
    }

    public override int Rows { get; }

    public override int Columns { get; }

    public override long Bytes => _buffer.Length;

    public override int RowGranularity => PanelRows;

    public override bool ReadsInt8 => false;

    public override void Multiply(Activations x, int firstToken, int tokens, int firstRow, int endRow, float* output, long stride, float* bias, bool accumulate)
    {
        CheckRange(x, firstToken, tokens, firstRow, endRow);
        // As many tokens as the second-level cache holds while the panels go by, in whole tiles.
        int pass = Math.Max((int)(PassBytes / (x.FloatStride * sizeof(float))) / MaxTokens, 1) * MaxTokens;
        for (int token = 0; token < tokens; token += pass)
            MultiplyPass(x.Row(firstToken + token), x.FloatStride, Math.Min(tokens - token, pass), firstRow, endRow, output + token * stride, stride, bias, accumulate);
    }

    private void MultiplyPass(float* x, nint xStride, int tokens, int firstRow, int endRow, float* output, long stride, float* bias, bool accumulate)
    {
        float* result = stackalloc float[PanelRows * MaxTokens];
        for (int row = firstRow; row < endRow; row += PanelRows)
        {
            byte* panel = _panels + row / PanelRows * _panelBytes;
            int rows = Math.Min(endRow - row, PanelRows);
            for (int token = 0; token < tokens; token += MaxTokens)
            {
                int count = Math.Min(tokens - token, MaxTokens);
                TKernel.Multiply<TElement>(panel, _factor, Columns, x + token * xStride, xStride, count, result);
                for (int t = 0; t < count; t++)
                    PanelResult.Store(result + t * PanelRows, rows, output + (token + t) * stride + row, bias == null ? null : bias + row, accumulate);
            }
        }
    }

    public override void ReadRow(int row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        if (destination.Length < Columns) throw new ArgumentException($"Room for {destination.Length} of {Columns} columns", nameof(destination));
        byte* source = _panels + row / PanelRows * _panelBytes + row % PanelRows * TElement.Bytes;
        for (int column = 0; column < Columns; column++)
            destination[column] = TElement.Load<SimdScalar, float>(source + (long)column * PanelRows * TElement.Bytes, _factor);
    }

    public override void Dispose() => _buffer.Dispose();

    /// <summary>False when a half is too large to be stored times 2^<paramref name="shift"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TryPackWords(Tensor tensor, int shift)
    {
        for (int row = 0; row < Rows; row++)
        {
            fixed (byte* bytes = tensor.RowBytes(row))
            {
                ushort* source = (ushort*)bytes, target = (ushort*)(_panels + row / PanelRows * _panelBytes) + row % PanelRows;
                for (int column = 0; column < Columns; column++, target += PanelRows)
                {
                    ushort word = source[column];
                    if (shift != 0 && !HalfVectors.ShiftUp(ref word)) return false;
                    *target = word;
                }
            }
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackFloats(Tensor tensor)
    {
        using var floats = new NativeBuffer((long)Columns * sizeof(float));
        float* source = (float*)floats.Pointer;
        for (int row = 0; row < Rows; row++)
        {
            var values = new Span<float>(source, Columns);
            if (tensor.Type == TensorType.F32) tensor.RowBytes(row).CopyTo(MemoryMarshal.AsBytes(values));
            else GgmlBlocks.Dequantize(tensor.Type, tensor.RowBytes(row), values);
            float* target = (float*)(_panels + row / PanelRows * _panelBytes) + row % PanelRows;
            for (int column = 0; column < Columns; column++, target += PanelRows) *target = source[column];
        }
    }
}
