using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>The 4-bit types whose quants index a fixed table of 16 unevenly spaced values.</summary>
internal static partial class GgmlBlocks
{
    private static Vector128<sbyte> Iq4Values => Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    /// <summary>d; 16 bytes of 32 elements laid out as in Q4_0: x = d table[q].</summary>
    private readonly struct IQ4NL : IBlock
    {
        public static int Length => 32;

        public static int Bytes => 18;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values) => LookUp(block[2..], ReadHalf(block), values);
    }

    /// <summary>d; 8 scales of 6 bits (2 high bits each in one 16-bit word, 4 low bits each in 4 bytes); 8 x 16 bytes as in IQ4_NL: x = d (s - 32) table[q].</summary>
    private readonly struct IQ4XS : IBlock
    {
        public static int Length => 256;

        public static int Bytes => 136;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            float d = ReadHalf(block);
            int highs = MemoryMarshal.Read<ushort>(block[2..]);
            for (int i = 0; i < 8; i++)
            {
                int scale = ((block[4 + (i / 2)] >> (i % 2 * 4)) & 0xF) | (((highs >> (2 * i)) & 3) << 4);
                LookUp(block[(8 + (i * 16))..], d * (scale - 32), values[(i * 32)..]);
            }
        }
    }

    private static void LookUp(ReadOnlySpan<byte> bytes, float scale, Span<float> values)
    {
        Vector128<byte> nibbles = Load(bytes);
        Scale(Vector128.Shuffle(Iq4Values, Low(nibbles).AsSByte()), scale, values);
        Scale(Vector128.Shuffle(Iq4Values, High(nibbles).AsSByte()), scale, values[16..]);
    }
}
