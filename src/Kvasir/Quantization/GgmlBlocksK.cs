using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>
/// The K types: super-blocks of 256 elements, in sub-blocks of 16 or 32 whose scales (and minima) are themselves quantised.
/// </summary>
internal static partial class GgmlBlocks
{
    /// <summary>Scale and minimum as two 4-bit numbers for each of 16 sub-blocks; 2-bit quants; d; dmin. x = d s q - dmin m.</summary>
    private readonly struct Q2K : IBlock
    {
        public static int Length => 256;

        public static int Bytes => 84;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            ReadOnlySpan<byte> scales = block[..16], quants = block.Slice(16, 64);
            float d = ReadHalf(block[80..]), dMin = ReadHalf(block[82..]);
            for (int i = 0; i < 16; i++)
            {
                Vector128<byte> q = TwoBits(quants, i);
                Scale(q, d * (scales[i] & 0xF), -(dMin * (scales[i] >> 4)), values[(i * 16)..]);
            }
        }
    }

    /// <summary>Third bits (stored inverted in sense: a set bit adds 4 to q - 4); 2-bit quants; 16 scales of 6 bits in 12 bytes; d. x = d (s - 32) (q - 4).</summary>
    private readonly struct Q3K : IBlock
    {
        public static int Length => 256;

        public static int Bytes => 110;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            ReadOnlySpan<byte> thirds = block[..32], quants = block.Slice(32, 64), scales = block.Slice(96, 12);
            float d = ReadHalf(block[108..]);
            for (int i = 0; i < 16; i++)
            {
                int scale = ((scales[i % 8] >> (i / 8 * 4)) & 0xF) | (((scales[8 + (i % 4)] >> (i / 4 * 2)) & 3) << 4);
                Vector128<byte> third = Vector128.Create((byte)(1 << (i / 2)));
                Vector128<byte> set = Vector128.Equals(Load(thirds[(i % 2 * 16)..]) & third, third);
                Vector128<byte> q = TwoBits(quants, i) - Vector128.AndNot(Vector128.Create((byte)4), set);
                Scale(q.AsSByte(), d * (scale - 32), values[(i * 16)..]);
            }
        }
    }

    /// <summary>d; dmin; 8 scales and minima of 6 bits in 12 bytes; 4-bit quants. x = d s q - dmin m.</summary>
    private readonly struct Q4K : IBlock
    {
        public static int Length => 256;

        public static int Bytes => 144;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            float d = ReadHalf(block), dMin = ReadHalf(block[2..]);
            for (int i = 0; i < 16; i++)
            {
                (int scale, int minimum) = ScaleAndMinimum(block.Slice(4, 12), i / 2);
                Scale(Nibbles(block[16..], i), d * scale, -(dMin * minimum), values[(i * 16)..]);
            }
        }
    }

    /// <summary>d; dmin; 8 scales and minima as in Q4_K; fifth bits; low 4 bits. x = d s q - dmin m.</summary>
    private readonly struct Q5K : IBlock
    {
        public static int Length => 256;

        public static int Bytes => 176;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            float d = ReadHalf(block), dMin = ReadHalf(block[2..]);
            for (int i = 0; i < 16; i++)
            {
                (int scale, int minimum) = ScaleAndMinimum(block.Slice(4, 12), i / 2);
                Vector128<byte> fifth = Vector128.Create((byte)(1 << (i / 2)));
                Vector128<byte> set = Vector128.Equals(Load(block[(16 + (i % 2 * 16))..]) & fifth, fifth);
                Vector128<byte> q = Nibbles(block[48..], i) | (set & Vector128.Create((byte)16));
                Scale(q, d * scale, -(dMin * minimum), values[(i * 16)..]);
            }
        }
    }

    /// <summary>Low 4 bits; high 2 bits; 16 signed byte scales; d. x = d s (q - 32).</summary>
    private readonly struct Q6K : IBlock
    {
        public static int Length => 256;

        public static int Bytes => 210;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            ReadOnlySpan<byte> lows = block[..128], highs = block.Slice(128, 64);
            ReadOnlySpan<sbyte> scales = MemoryMarshal.Cast<byte, sbyte>(block.Slice(192, 16));
            float d = ReadHalf(block[208..]);
            for (int i = 0; i < 16; i++)
            {
                // Per half of 128: low nibbles of 64 bytes, then their high nibbles.
                Vector128<byte> bytes = Load(lows[((i / 8 * 64) + (i % 4 * 16))..]);
                Vector128<byte> low = i % 8 < 4 ? Low(bytes) : High(bytes);
                Vector128<byte> q = (low | (TwoBits(highs, i) << 4)) - Vector128.Create((byte)32);
                Scale(q.AsSByte(), d * scales[i], values[(i * 16)..]);
            }
        }
    }

    /// <summary>
    /// Sub-block <paramref name="i"/> (16 elements) of 2-bit numbers: each half of 128 elements lies in 32 bytes,
    /// whose bit pairs 0, 1, 2, 3 hold its four runs of 32.
    /// </summary>
    private static Vector128<byte> TwoBits(ReadOnlySpan<byte> bytes, int i) =>
        (Load(bytes[((i / 8 * 32) + (i % 2 * 16))..]) >>> (i / 2 % 4 * 2)) & Vector128.Create((byte)3);

    /// <summary>Sub-block <paramref name="i"/> (16 elements) of 4-bit numbers: each 64 elements lie in 32 bytes, low nibbles first.</summary>
    private static Vector128<byte> Nibbles(ReadOnlySpan<byte> bytes, int i)
    {
        Vector128<byte> pair = Load(bytes[((i / 4 * 32) + (i % 2 * 16))..]);
        return i % 4 < 2 ? Low(pair) : High(pair);
    }

    /// <summary>
    /// The 6-bit scale and minimum of one of 8 sub-blocks: those of the first four stand in the low 6 bits of bytes 0..3 and 4..7,
    /// those of the last four are split between the nibbles of bytes 8..11 and the top bits of bytes 0..7.
    /// </summary>
    private static (int Scale, int Minimum) ScaleAndMinimum(ReadOnlySpan<byte> packed, int j) => j < 4
        ? (packed[j] & 63, packed[j + 4] & 63)
        : ((packed[j + 4] & 0xF) | (packed[j - 4] >> 6 << 4), (packed[j + 4] >> 4) | (packed[j] >> 6 << 4));
}
