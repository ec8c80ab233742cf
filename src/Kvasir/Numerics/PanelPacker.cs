using Kvasir.Formats;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Turns rows of GGML blocks into panels (see <see cref="PackedFormat"/>).</summary>
internal static unsafe class PanelPacker
{
    /// <summary>Packs a tensor's rows; rows that fill the last panel stay zero, as <paramref name="target"/> is given.</summary>
    /// <exception cref="InvalidInputException">The rows are no whole blocks, or not all there.</exception>
    public static PackedFormat Pack(Tensor tensor, byte* target)
    {
        BlockType type = BlockType.Find(tensor.Type)
            ?? throw new InvalidInputException($"{tensor.Name}: type {tensor.Type} cannot be packed");
        if (tensor.Columns % type.Length != 0 || (long)tensor.Columns / type.Length * type.Bytes * tensor.Rows > tensor.ByteLength)
        {
            throw new InvalidInputException($"{tensor.Name}: {tensor.Rows} x {tensor.Columns} values of {tensor.Type} do not fit its "
                + $"{tensor.ByteLength} bytes in blocks of {type.Length} columns");
        }

        var format = PackedFormat.For(tensor.Type) with { ScaleShift = HalfVectors.Shift };
        if (TryPack(type, format, tensor, target)) return format;
        format = format with { ScaleShift = 0 };
        TryPack(type, format, tensor, target);
        return format;
    }

    /// <summary>False when a scale is too large for the format's shift.</summary>
    private static bool TryPack(BlockType type, PackedFormat format, Tensor tensor, byte* target)
    {
        long rowBytes = (long)tensor.Columns / type.Length * type.Bytes;
        long panelBytes = (long)tensor.Columns / PackedFormat.BlockColumns * format.BlockBytes;
        for (int row = 0; row < tensor.Rows; row++)
        {
            byte* panel = target + row / PackedFormat.PanelRows * panelBytes;
            if (!PackRow(type, format, tensor.Data + row * rowBytes, tensor.Columns, panel, row % PackedFormat.PanelRows)) return false;
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool PackRow(BlockType type, PackedFormat format, byte* source, int columns, byte* panel, int row)
    {
        byte* codes = stackalloc byte[256];
        ushort* scales = stackalloc ushort[16], minimums = stackalloc ushort[16];
        bool shifted = format.ScaleShift != 0;
        int groups = format.GroupsPerBlock, codeBytes = format.CodeBytes, scaleBytes = format.ScaleBytes, blockBytes = format.BlockBytes;
        for (int column = 0; column < columns; column += type.Length, source += type.Bytes)
        {
            type.Read(source, codes, scales, minimums);
            for (int part = 0; part < type.Length / PackedFormat.BlockColumns; part++, panel += blockBytes)
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
            // Four columns in the low nibbles, the next four in the high ones: one mask and one shift take them apart.
            target[pair * PackedFormat.PanelRows] = ((uint*)codes)[pair * 2] | ((uint*)codes)[pair * 2 + 1] << 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBytes(byte* codes, uint* target)
    {
        for (int quad = 0; quad < 8; quad++)
            target[quad * PackedFormat.PanelRows] = ((uint*)codes)[quad];
    }
}
