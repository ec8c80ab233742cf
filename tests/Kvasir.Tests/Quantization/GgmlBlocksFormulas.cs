using Kvasir.Quantization;

namespace Kvasir.Tests.Quantization;

/// <summary>The block formats once more, as formulas for one element i of one block: the oracle of the vector code.</summary>
internal static class GgmlBlocksFormulas
{
    private static readonly int[] s_iq4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    public static float Element(TensorType type, ReadOnlySpan<byte> b, int i) => type switch
    {
        TensorType.Q4_0 => Half(b, 0) * (Nibble(b[2..], i) - 8),
        TensorType.Q4_1 => (Half(b, 0) * Nibble(b[4..], i)) + Half(b, 2),
        TensorType.Q5_0 => Half(b, 0) * (Nibble(b[6..], i) + (16 * Bit(b[2..], i)) - 16),
        TensorType.Q5_1 => (Half(b, 0) * (Nibble(b[8..], i) + (16 * Bit(b[4..], i)))) + Half(b, 2),
        TensorType.Q8_0 => Half(b, 0) * (sbyte)b[2 + i],
        TensorType.IQ4_NL => Half(b, 0) * s_iq4[Nibble(b[2..], i)],
        TensorType.IQ4_XS => Half(b, 0) * (Iq4Scale(b, i / 32) - 32) * s_iq4[Nibble(b[(8 + (i / 32 * 16))..], i % 32)],
        TensorType.Q2_K => (Half(b, 80) * (b[i / 16] & 15) * Pair(b[16..], i)) - (Half(b, 82) * (b[i / 16] >> 4)),
        TensorType.Q3_K => Half(b, 108) * (Q3Scale(b[96..], i / 16) - 32) * (Pair(b[32..], i) + (4 * ((b[i % 32] >> (i / 32)) & 1)) - 4),
        TensorType.Q4_K => (Half(b, 0) * Scale6(b[4..], i / 32) * Nibble64(b[16..], i)) - (Half(b, 2) * Minimum6(b[4..], i / 32)),
        TensorType.Q5_K =>
            (Half(b, 0) * Scale6(b[4..], i / 32) * (Nibble64(b[48..], i) + (16 * ((b[16 + (i % 32)] >> (i / 32)) & 1)))) - (Half(
                b, 2) * Minimum6(b[4..], i / 32)),
        TensorType.Q6_K => Half(b, 208) * (sbyte)b[192 + (i / 16)] * (Nibble128(b, i) + (16 * Pair(b[128..], i)) - 32),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static float Half(ReadOnlySpan<byte> b, int at) => (float)MemoryMarshal.Read<Half>(b[at..]);

    private static int Bit(ReadOnlySpan<byte> bits, int i) => (bits[i / 8] >> (i % 8)) & 1;

    private static int Nibble(ReadOnlySpan<byte> quants, int i) => (quants[i % 16] >> (i / 16 * 4)) & 15;

    private static int Nibble64(ReadOnlySpan<byte> quants, int i) => (quants[(i / 64 * 32) + (i % 32)] >> (i / 32 % 2 * 4)) & 15;

    private static int Nibble128(ReadOnlySpan<byte> quants, int i) => (quants[(i / 128 * 64) + (i % 64)] >> (i / 64 % 2 * 4)) & 15;

    private static int Pair(ReadOnlySpan<byte> quants, int i) => (quants[(i / 128 * 32) + (i % 32)] >> (i / 32 % 4 * 2)) & 3;

    private static int Q3Scale(ReadOnlySpan<byte> scales, int j) =>
        ((scales[j % 8] >> (j / 8 * 4)) & 15) + (16 * ((scales[8 + (j % 4)] >> (j / 4 * 2)) & 3));

    private static int Iq4Scale(ReadOnlySpan<byte> b, int j) =>
        ((b[4 + (j / 2)] >> (j % 2 * 4)) & 15) + (16 * ((b[2 + (j / 4)] >> (j % 4 * 2)) & 3));

    private static int Scale6(ReadOnlySpan<byte> s, int j) => j < 4 ? s[j] % 64 : (s[j + 4] % 16) + (16 * (s[j - 4] / 64));

    private static int Minimum6(ReadOnlySpan<byte> s, int j) => j < 4 ? s[j + 4] % 64 : (s[j + 4] / 16) + (16 * (s[j] / 64));
}
