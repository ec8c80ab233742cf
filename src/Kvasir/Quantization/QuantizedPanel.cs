using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>
/// The layout of small codes [inner, 32 columns] that kernels read without a mask, a byte shuffle or a horizontal sum. A line is 16 words
/// of 32 bits; word <c>n % 16</c> holds column n. A row k takes two neighbouring fields of every word, the lower for columns 0..15, the
/// higher for 16..31, so a line holds 16 / bits rows: shifting it right by <c>bits</c> brings up the next half row. Codes of 3 bits are two
/// planes, first the lines of their two low bits, then those of their high bits.
/// </summary>
internal static unsafe class QuantizedPanel
{
    public const int Columns = 32, Lanes = 16, LineBytes = Lanes * sizeof(uint);

    /// <summary>What a folded left side must be padded to: rows of the longest line.</summary>
    public static int Padded(int inner) => (inner + 15) / 16 * 16;

    /// <summary>Rows whose <paramref name="bits"/> fit into a line.</summary>
    public static int RowsOfLine(int bits) => Lanes / bits;

    /// <summary>Bytes of a panel, a multiple of 64.</summary>
    public static int Bytes(int inner, int bits) => bits == 3 ? PlaneBytes(inner, 2) + PlaneBytes(inner, 1) : PlaneBytes(inner, bits);

    /// <summary>Bytes of one plane of 1, 2, 4 or 8 bits.</summary>
    public static int PlaneBytes(int inner, int bits) => (inner + RowsOfLine(bits) - 1) / RowsOfLine(bits) * LineBytes;

    /// <summary>Puts the codes of row <paramref name="k"/> (columns 0..15 and 16..31) into a panel that was cleared before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pack(byte* panel, int inner, int bits, int k, Vector512<uint> low, Vector512<uint> high)
    {
        if (bits == 3)
        {
            Pack(panel, inner, 2, k, low & Vector512.Create(3u), high & Vector512.Create(3u));
            Pack(panel + PlaneBytes(inner, 2), inner, 1, k, low >>> 2, high >>> 2);
            return;
        }
        int rows = RowsOfLine(bits), shift = k % rows * 2 * bits;
        uint* line = (uint*)(panel + k / rows * LineBytes);
        (Vector512.Load(line) | (low << shift) | (high << (shift + bits))).Store(line);
    }
}
