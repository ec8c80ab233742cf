using System.Numerics;
using System.Runtime.InteropServices;

namespace Kvasir.Documents.Storage;

/// <summary>CRC-32C (Castagnoli), in hardware where there is an instruction for it.</summary>
internal static class Checksum
{
    public static uint Of(ReadOnlySpan<byte> bytes, uint start = 0)
    {
        uint crc = ~start;
        int whole = bytes.Length & ~7;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes[..whole]))
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (byte rest in bytes[whole..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return ~crc;
    }
}
