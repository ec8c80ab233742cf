using System.Runtime.Intrinsics;
using Kvasir.Formats;
using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Turns rows of GGML blocks into panels (see <see cref="PackedFormat"/>).</summary>
internal static unsafe class PanelPacker
{
    /// <summary>Rows that are packed together.</summary>
    private const int Step = 4;

    /// <summary>From the codes of a row to those of the next in what was read.</summary>
    private const int RowCodes = BlockType.Run / sizeof(ulong);

    /// <summary>Bytes of one word of every row of a panel: of 4 or 8 columns.</summary>
    private const int WordBytes = PackedFormat.PanelRows * sizeof(uint);

    /// <summary>Packs a tensor's rows; rows that fill the last panel stay zero, as <paramref name="target"/> is given.</summary>
    /// <exception cref="InvalidInputException">The rows are no whole blocks, or not all there.</exception>
    public static PackedFormat Pack(Tensor tensor, byte* target, int threads = 1)
    {
        BlockType type = BlockType.Find(tensor.Type)
            ?? throw new InvalidInputException($"{tensor.Name}: type {tensor.Type} cannot be packed");
        if (tensor.Columns % type.Length != 0 || (long)tensor.Columns / type.Length * type.Bytes * tensor.Rows > tensor.ByteLength)
        {
            throw new InvalidInputException($"{tensor.Name}: {tensor.Rows} x {tensor.Columns} values of {tensor.Type} do not fit its "
                + $"{tensor.ByteLength} bytes in blocks of {type.Length} columns");
        }

        var format = PackedFormat.For(tensor.Type) with { ScaleShift = HalfVectors.Shift };
        if (TryPack(type, format, tensor, target, threads)) return format;
        format = format with { ScaleShift = 0 };
        TryPack(type, format, tensor, target, threads);
        return format;
    }

    /// <summary>False when a scale is too large for the format's shift.</summary>
    private static bool TryPack(BlockType type, PackedFormat format, Tensor tensor, byte* target, int threads)
    {
        long panelBytes = (long)tensor.Columns / PackedFormat.BlockColumns * format.BlockBytes;
        return Panels.TryAll(tensor.Rows, threads,
            firstRow => PackPanel(type, format, tensor, firstRow, target + firstRow / PackedFormat.PanelRows * panelBytes));
    }

    /// <summary>Goes down the rows run by run of columns: what a run writes lies together and stays in the first-level cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool PackPanel(BlockType type, PackedFormat format, Tensor tensor, int firstRow, byte* panel)
    {
        byte* codes = stackalloc byte[Step * BlockType.Run];
        ushort* scales = stackalloc ushort[Step * BlockType.MostGroups], minimums = stackalloc ushort[Step * BlockType.MostGroups];
        int rows = Math.Min(PackedFormat.PanelRows, tensor.Rows - firstRow), columns = tensor.Columns;
        int perBlock = format.GroupsPerBlock, scaleBytes = format.ScaleBytes, blockBytes = format.BlockBytes;
        bool shifted = format.ScaleShift != 0, hasMinimum = format.HasMinimum;
        long rowBytes = (long)columns / type.Length * type.Bytes;
        byte* source = tensor.Data + firstRow * rowBytes;
        for (int column = 0; column < columns; column += BlockType.Run)
        {
            int run = Math.Min(BlockType.Run, columns - column), blocks = run / type.Length, groups = run / format.Group;
            for (int row = 0; row < rows; row += Step)
            {
                int present = Math.Min(Step, rows - row);
                if (present < Step) ClearRows(codes, scales, minimums);
                for (int i = 0; i < present; i++)
                    type.Read(source + (row + i) * rowBytes, blocks, codes + i * BlockType.Run, scales + i * groups, minimums + i * groups);
                byte* target = panel + row * sizeof(uint);
                if (format.Bits == 4) StoreNibbles(codes, run, target, blockBytes);
                else StoreBytes(codes, run, target, blockBytes);
                target = panel + format.CodeBytes + row * sizeof(ushort);
                if (!StoreScales(scales, groups, perBlock, shifted, target, blockBytes)) return false;
                if (hasMinimum && !StoreScales(minimums, groups, perBlock, shifted, target + scaleBytes, blockBytes)) return false;
            }
            source += blocks * type.Bytes;
            panel += run / PackedFormat.BlockColumns * blockBytes;
        }
        return true;
    }

    /// <summary>Rows that fill the last panel.</summary>
    private static void ClearRows(byte* codes, ushort* scales, ushort* minimums)
    {
        new Span<byte>(codes, Step * BlockType.Run).Clear();
        new Span<ushort>(scales, Step * BlockType.MostGroups).Clear();
        new Span<ushort>(minimums, Step * BlockType.MostGroups).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreNibbles(byte* codes, int count, byte* target, nint blockBytes)
    {
        for (byte* end = codes + count; codes < end; codes += PackedFormat.BlockColumns, target += blockBytes)
        {
            for (int part = 0; part < 2; part++)
            {
                ulong* row = (ulong*)codes + part * 2;
                Vector128<ulong> rows01 = Even(Nibbles(row), Nibbles(row + RowCodes)),
                    rows23 = Even(Nibbles(row + 2 * RowCodes), Nibbles(row + 3 * RowCodes));
                StorePairs(rows01, rows23, target + part * 2 * WordBytes, WordBytes);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBytes(byte* codes, int count, byte* target, nint blockBytes)
    {
        for (byte* end = codes + count; codes < end; codes += PackedFormat.BlockColumns, target += blockBytes)
        {
            for (int part = 0; part < 2; part++)
            {
                ulong* row = (ulong*)codes + part * 2;
                Vector128<ulong> row0 = Vector128.Load(row), row1 = Vector128.Load(row + RowCodes),
                    row2 = Vector128.Load(row + 2 * RowCodes), row3 = Vector128.Load(row + 3 * RowCodes);
                StorePairs(Even(row0, row1), Even(row2, row3), target + part * 4 * WordBytes, 2 * WordBytes);
                StorePairs(Odd(row0, row1), Odd(row2, row3), target + (part * 4 + 1) * WordBytes, 2 * WordBytes);
            }
        }
    }

    /// <summary>Of 8 columns four in the low nibbles of a word, four in the high ones: one mask and one shift take them apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Nibbles(ulong* codes) => Vector128.Load(codes) | Vector128.Load(codes) >> 28;

    /// <summary>Words 0 and 2 of two rows: a, b, a, b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Even(Vector128<ulong> a, Vector128<ulong> b) => a & Vector128.Create((ulong)uint.MaxValue) | b << 32;

    /// <summary>Words 1 and 3 of two rows: a, b, a, b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Odd(Vector128<ulong> a, Vector128<ulong> b) => a >> 32 | b & Vector128.Create(~(ulong)uint.MaxValue);

    /// <summary>The first words of four rows together, and <paramref name="apart"/> bytes on their second words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePairs(Vector128<ulong> rows01, Vector128<ulong> rows23, byte* target, nint apart)
    {
        ((ulong*)target)[0] = rows01.ToScalar();
        ((ulong*)target)[1] = rows23.ToScalar();
        ((ulong*)(target + apart))[0] = rows01.GetElement(1);
        ((ulong*)(target + apart))[1] = rows23.GetElement(1);
    }

    /// <summary>Groups of four rows, row after row; false when one is too large to be shifted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool StoreScales(ushort* scales, nint groups, nint perBlock, bool shifted, byte* target, nint blockBytes)
    {
        for (ushort* end = scales + groups; scales < end; target += blockBytes)
        {
            for (nint i = 0; i < perBlock; i++, scales++)
            {
                ulong rows = scales[0] | (ulong)scales[groups] << 16 | (ulong)scales[2 * groups] << 32 | (ulong)scales[3 * groups] << 48;
                if (shifted && !HalfVectors.ShiftUp(ref rows)) return false;
                ((ulong*)target)[i * PackedFormat.PanelRows / Step] = rows;
            }
        }
        return true;
    }
}
