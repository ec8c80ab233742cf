using Kvasir.Formats;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Turns rows of GGML blocks into panels (see <see cref="PackedFormat"/>).</summary>
internal static unsafe class PanelPacker
{
    /// <summary>Packs a tensor's rows; rows that fill the last panel stay zero, as <paramref name="target"/> is given.</summary>
    /// <exception cref="InvalidInputException">The rows are no whole blocks, or not all there.</exception>
    public static PackedFormat Pack(Tensor tensor, byte* target) => tensor.Type switch
    {
        TensorType.Q4_0 => Pack<Q4_0Reader>(tensor, target),
        TensorType.Q4_1 => Pack<Q4_1Reader>(tensor, target),
        TensorType.Q5_0 => Pack<Q5_0Reader>(tensor, target),
        TensorType.Q5_1 => Pack<Q5_1Reader>(tensor, target),
        TensorType.Q8_0 => Pack<Q8_0Reader>(tensor, target),
        TensorType.Q2_K => Pack<Q2_KReader>(tensor, target),
        TensorType.Q3_K => Pack<Q3_KReader>(tensor, target),
        TensorType.Q4_K => Pack<Q4_KReader>(tensor, target),
        TensorType.Q5_K => Pack<Q5_KReader>(tensor, target),
        TensorType.Q6_K => Pack<Q6_KReader>(tensor, target),
        TensorType.IQ4_NL => Pack<IQ4_NLReader>(tensor, target),
        TensorType.IQ4_XS => Pack<IQ4_XSReader>(tensor, target),
        _ => throw new InvalidInputException($"{tensor.Name}: type {tensor.Type} cannot be packed"),
    };

    private static PackedFormat Pack<TReader>(Tensor tensor, byte* target) where TReader : IBlockReader
    {
        if (tensor.Columns % TReader.Length != 0 || (long)tensor.Columns / TReader.Length * TReader.Bytes * tensor.Rows > tensor.ByteLength)
            throw new InvalidInputException($"{tensor.Name}: {tensor.Rows} x {tensor.Columns} values of {tensor.Type} do not fit its {tensor.ByteLength} bytes in blocks of {TReader.Length} columns");
        var format = PackedFormat.For(tensor.Type) with { ScaleShift = HalfVectors.Shift };
        if (TryPack<TReader>(format, tensor, target)) return format;
        format = format with { ScaleShift = 0 };
        TryPack<TReader>(format, tensor, target);
        return format;
    }

    /// <summary>False when a scale is too large for the format's shift.</summary>
    private static bool TryPack<TReader>(PackedFormat format, Tensor tensor, byte* target) where TReader : IBlockReader
    {
        long rowBytes = (long)tensor.Columns / TReader.Length * TReader.Bytes;
        long panelBytes = (long)tensor.Columns / PackedFormat.BlockColumns * format.BlockBytes;
        for (int row = 0; row < tensor.Rows; row++)
        {
            if (!PackRow<TReader>(format, tensor.Data + row * rowBytes, tensor.Columns, target + row / PackedFormat.PanelRows * panelBytes, row % PackedFormat.PanelRows)) return false;
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool PackRow<TReader>(PackedFormat format, byte* source, int columns, byte* panel, int row) where TReader : IBlockReader
    {
        byte* codes = stackalloc byte[256];
        ushort* scales = stackalloc ushort[16], minimums = stackalloc ushort[16];
        bool shifted = format.ScaleShift != 0;
        int groups = format.GroupsPerBlock, codeBytes = format.CodeBytes, scaleBytes = format.ScaleBytes, blockBytes = format.BlockBytes;
        for (int column = 0; column < columns; column += TReader.Length, source += TReader.Bytes)
        {
            TReader.Read(source, codes, scales, minimums);
            for (int part = 0; part < TReader.Length / PackedFormat.BlockColumns; part++, panel += blockBytes)
            {
                if (format.Bits == 4) StoreNibbles(codes + part * PackedFormat.BlockColumns, (uint*)panel + row);
                else StoreBytes(codes + part * PackedFormat.BlockColumns, (uint*)panel + row);
                ushort* target = (ushort*)(panel + codeBytes) + row;
                for (int group = 0; group < groups; group++)
                {
                    ushort scale = scales[part * groups + group], minimum = format.HasMinimum ? minimums[part * groups + group] : (ushort)0;
                    if (shifted && !(HalfVectors.ShiftUp(ref scale) && HalfVectors.ShiftUp(ref minimum))) return false;
                    target[group * PackedFormat.PanelRows] = scale;
                    if (format.HasMinimum) target[scaleBytes / sizeof(ushort) + group * PackedFormat.PanelRows] = minimum;
                }
            }
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreNibbles(byte* codes, uint* target)
    {
        for (int pair = 0; pair < 4; pair++)
            target[pair * PackedFormat.PanelRows] = ((uint*)codes)[pair * 2] | ((uint*)codes)[pair * 2 + 1] << 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBytes(byte* codes, uint* target)
    {
        for (int quad = 0; quad < 8; quad++)
            target[quad * PackedFormat.PanelRows] = ((uint*)codes)[quad];
    }
}
