using System.Numerics;

namespace Kvasir.Memory;

/// <summary>
/// CRC-32C (Castagnoli), in hardware where there is an instruction for it. It finds what storage does to bytes (all single errors of up to
/// 32 bits in a row, others but for one in four billion), not what an adversary does to them.
/// </summary>
/// <remarks>
/// An instruction takes eight bytes but waits for the one before it, so long ranges go through in three lanes side by side. The register is
/// linear over bits: that of A followed by B is that of A, taken over as many zeros as B has bytes, xor that of B started from zero.
/// </remarks>
internal static class Checksum
{
    /// <summary>Bytes of a lane.</summary>
    private const int Lane = 2048;

    /// <summary>The register after a lane of zeros, by value of each of its four bytes.</summary>
    private static readonly uint[] OverZeros = TakeOverZeros();

    /// <summary>The checksum of some bytes; of those after others, where their checksum is given.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes, uint start = 0)
    {
        uint crc = ~start;
        for (; bytes.Length >= 3 * Lane; bytes = bytes[(3 * Lane)..])
            crc = ThreeLanes(MemoryMarshal.Cast<byte, ulong>(bytes[..(3 * Lane)]), crc);
        int whole = bytes.Length & ~7;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes[..whole])) crc = BitOperations.Crc32C(crc, word);
        foreach (byte rest in bytes[whole..]) crc = BitOperations.Crc32C(crc, rest);
        return ~crc;
    }

    private static uint ThreeLanes(ReadOnlySpan<ulong> words, uint crc)
    {
        ReadOnlySpan<ulong> first = words[..(Lane / 8)], second = words.Slice(Lane / 8, Lane / 8), third = words.Slice(Lane / 4, Lane / 8);
        uint a = crc, b = 0, c = 0;
        for (int i = 0; i < first.Length; i++)
        {
            a = BitOperations.Crc32C(a, first[i]);
            b = BitOperations.Crc32C(b, second[i]);
            c = BitOperations.Crc32C(c, third[i]);
        }
        return Shift(Shift(a) ^ b) ^ c;
    }

    private static uint Shift(uint crc) =>
        OverZeros[crc & 0xFF] ^ OverZeros[256 + (crc >> 8 & 0xFF)] ^ OverZeros[512 + (crc >> 16 & 0xFF)] ^ OverZeros[768 + (crc >> 24)];

    private static uint[] TakeOverZeros()
    {
        uint[] table = new uint[4 * 256];
        for (int bit = 0; bit < 32; bit++)
        {
            uint crc = 1u << bit;
            for (int i = 0; i < Lane; i += 8) crc = BitOperations.Crc32C(crc, 0UL);
            for (int value = 0; value < 256; value++)
                if ((value >> bit % 8 & 1) != 0) table[bit / 8 * 256 + value] ^= crc;
        }
        return table;
    }
}
