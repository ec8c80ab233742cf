using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Weights of 16 or 32 bits, stored column by column [panel][column][row], multiplied with the float activations.</summary>
internal sealed unsafe class FloatMatrix<TKernel, TElement> : WeightMatrix where TKernel : IFloatKernel where TElement : IFloatElement
{
    private const int MaxTokens = 6, PassBytes = 400 * 1024, RunColumns = 128;

    private readonly float _factor;

    /// <summary>
    /// Takes a float tensor as it is, and any other dequantised (<typeparamref name="TElement"/> is then <see cref="SingleElement"/>).
    /// </summary>
    public FloatMatrix(Tensor tensor, int threads, NativeArena? arena)
        : base(Checked(tensor), (long)tensor.Columns * PanelRows * TElement.Bytes, MaxTokens, PassBytes, arena)
    {
        int shift = tensor.Type == TensorType.F16 ? HalfVectors.Shift : 0;
        if (TElement.Bytes == 4) Panels.TryAll(Rows, threads, firstRow => PackFloats(tensor, firstRow));
        else if (!TryPackWords(tensor, shift, threads)) TryPackWords(tensor, shift = 0, threads);
        _factor = HalfVectors.Factor(shift);
    }

    public override bool ReadsInt8 => false;

    protected override nint TokenBytes(Activations x) => x.FloatStride * sizeof(float);

    protected override void MultiplyPass(
        Activations x, int firstToken, int tokens, int firstRow, int endRow, FloatRows output, float* bias, bool accumulate)
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
                    PanelResult.Store(
                        result + t * PanelRows, rows, output.Row(token + t) + row, bias == null ? null : bias + row, accumulate);
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
    private bool TryPackWords(Tensor tensor, int shift, int threads) =>
        Panels.TryAll(Rows, threads, firstRow => PackWords(tensor, firstRow, shift));

    /// <summary>Goes down the rows run by run of columns, so that what a run writes stays in the first-level cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool PackWords(Tensor tensor, int firstRow, int shift)
    {
        int rows = Math.Min(PanelRows, Rows - firstRow);
        fixed (byte* bytes = tensor.RowBytes(firstRow))
        {
            for (int firstColumn = 0; firstColumn < Columns; firstColumn += RunColumns)
            {
                int end = Math.Min(Columns, firstColumn + RunColumns);
                for (int row = 0; row < rows; row++)
                {
                    ushort* source = (ushort*)bytes + (long)row * Columns, target = (ushort*)Panel(firstRow) + row;
                    for (int column = firstColumn; column < end; column++)
                    {
                        ushort word = source[column];
                        if (shift != 0 && !HalfVectors.ShiftUp(ref word)) return false;
                        target[column * PanelRows] = word;
                    }
                }
            }
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool PackFloats(Tensor tensor, int firstRow)
    {
        int rows = Math.Min(PanelRows, Rows - firstRow);
        using var floats = new NativeBuffer((long)Columns * sizeof(float));
        float* source = (float*)floats.Pointer;
        for (int row = firstRow; row < firstRow + rows; row++)
        {
            var values = new Span<float>(source, Columns);
            if (tensor.Type == TensorType.F32) tensor.RowBytes(row).CopyTo(MemoryMarshal.AsBytes(values));
            else GgmlBlocks.Dequantize(tensor.Type, tensor.RowBytes(row), values);
            float* target = (float*)Panel(row) + row % PanelRows;
            for (int column = 0; column < Columns; column++, target += PanelRows) *target = source[column];
        }
        return true;
    }
}
