using System.Runtime.CompilerServices;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Turns rows of GGML blocks into panels (see <see cref="PackedFormat"/>).</summary>
internal static unsafe class PanelPacker
{
    /// <summary>Packs a tensor's rows; rows that fill the last panel stay zero, as <paramref name="target"/> is given.</summary>
    /// <exception cref="InvalidInputException">The rows are no whole blocks, or not all there.</exception>
    public static void Pack(TensorType type, byte* source, long length, int rows, int columns, byte* target)
    {
        var format = PackedFormat.For(type);
        switch (type)
        {
            case TensorType.Q4_0: Pack<Q4_0Reader>(format, source, length, rows, columns, target); break;
            case TensorType.Q4_1: Pack<Q4_1Reader>(format, source, length, rows, columns, target); break;
            case TensorType.Q5_0: Pack<Q5_0Reader>(format, source, length, rows, columns, target); break;
            case TensorType.Q5_1: Pack<Q5_1Reader>(format, source, length, rows, columns, target); break;
            case TensorType.Q8_0: Pack<Q8_0Reader>(format, source, length, rows, columns, target); break;
            case TensorType.Q2_K: Pack<Q2_KReader>(format, source, length, rows, columns, target); break;
            case TensorType.Q3_K: Pack<Q3_KReader>(format, source, length, rows, columns, target); break;
            case TensorType.Q4_K: Pack<Q4_KReader>(format, source, length, rows, columns, target); break;
            case TensorType.Q5_K: Pack<Q5_KReader>(format, source, length, rows, columns, target); break;
            case TensorType.Q6_K: Pack<Q6_KReader>(format, source, length, rows, columns, target); break;
            case TensorType.IQ4_NL: Pack<IQ4_NLReader>(format, source, length, rows, columns, target); break;
            case TensorType.IQ4_XS: Pack<IQ4_XSReader>(format, source, length, rows, columns, target); break;
            default: throw new InvalidInputException($"Tensor type {type} cannot be packed");
        }
    }

    private static void Pack<TReader>(PackedFormat format, byte* source, long length, int rows, int columns, byte* target) where TReader : IBlockReader
    {
        long rowBytes = (long)columns / TReader.Length * TReader.Bytes;
        if (columns % TReader.Length != 0 || rows * rowBytes > length)
            throw new InvalidInputException($"A matrix of {rows} x {columns} does not fit {length} bytes in blocks of {TReader.Length} columns");
        long panelBytes = (long)columns / PackedFormat.BlockColumns * format.BlockBytes;
        for (int row = 0; row < rows; row++)
            PackRow<TReader>(format, source + row * rowBytes, columns, target + row / PackedFormat.PanelRows * panelBytes, row % PackedFormat.PanelRows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRow<TReader>(PackedFormat format, byte* source, int columns, byte* panel, int row) where TReader : IBlockReader
    {
        byte* codes = stackalloc byte[256];
        ushort* scales = stackalloc ushort[16], minimums = stackalloc ushort[16];
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
                    target[group * PackedFormat.PanelRows] = scales[part * groups + group];
                    if (format.HasMinimum) target[scaleBytes / sizeof(ushort) + group * PackedFormat.PanelRows] = minimums[part * groups + group];
                }
            }
        }
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
