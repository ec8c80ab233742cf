using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Weights of 16 or 32 bits, stored column by column [panel][column][row], multiplied with the float activations.</summary>
internal sealed unsafe class FloatMatrix<TKernel, TElement> : WeightMatrix where TKernel : IFloatKernel where TElement : IFloatElement
{
    private const int MaxTokens = 6, PassBytes = 400 * 1024;

    private readonly float _factor;

    /// <summary>
    /// Takes a float tensor as it is, and any other dequantised (<typeparamref name="TElement"/> is then <see cref="SingleElement"/>).
    /// </summary>
    public FloatMatrix(Tensor tensor) : base(Checked(tensor), (long)tensor.Columns * PanelRows * TElement.Bytes, MaxTokens, PassBytes)
    {
        int shift = tensor.Type == TensorType.F16 ? HalfVectors.Shift : 0;
        if (TElement.Bytes == 4) PackFloats(tensor);
        else if (!TryPackWords(tensor, shift)) TryPackWords(tensor, shift = 0);
        _factor = HalfVectors.Factor(shift);
    }

    public override bool ReadsInt8 => false;

    protected override nint TokenBytes(Activations x) => x.FloatStride * sizeof(float);

    protected override void MultiplyPass(
        Activations x, int firstToken, int tokens, int firstRow, int endRow, float* output, long stride, float* bias, bool accumulate)
    {
        float* result = stackalloc float[PanelRows * MaxTokens], first = x.Row(firstToken);
        for (int row = firstRow; row < endRow; row += PanelRows)
        {
            byte* panel = Panel(row);
            int rows = Math.Min(endRow - row, PanelRows);
            for (int token = 0; token < tokens; token += MaxTokens)
            {
                int count = Math.Min(tokens - token, MaxTokens);
                TKernel.Multiply<TElement>(panel, _factor, Columns, first + token * x.FloatStride, x.FloatStride, count, result);
                for (int t = 0; t < count; t++)
                    PanelResult.Store(result + t * PanelRows, rows, output + (token + t) * stride + row, bias == null
                        ? null : bias + row, accumulate);
            }
        }
    }

    protected override void Unpack(byte* panel, int row, Span<float> destination)
    {
        for (int column = 0; column < Columns; column++)
            destination[column] = TElement.Load<SimdScalar, float>(panel + ((long)column * PanelRows + row) * TElement.Bytes, _factor);
    }

    private static Tensor Checked(Tensor tensor) =>
        tensor.ByteLength >= GgmlBlocks.ByteLength(tensor.Type, (long)tensor.Rows * tensor.Columns)
        ? tensor : throw new InvalidInputException(
            $"{tensor.Name}: {tensor.Rows} x {tensor.Columns} values of {tensor.Type} do not fit its {tensor.ByteLength} bytes");

    /// <summary>False when a half is too large to be stored times 2^<paramref name="shift"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TryPackWords(Tensor tensor, int shift)
    {
        for (int row = 0; row < Rows; row++)
        {
            fixed (byte* bytes = tensor.RowBytes(row))
            {
                ushort* source = (ushort*)bytes, target = (ushort*)Panel(row) + row % PanelRows;
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
            float* target = (float*)Panel(row) + row % PanelRows;
            for (int column = 0; column < Columns; column++, target += PanelRows) *target = source[column];
        }
    }
}
