using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>What the 512-bit tiles read codes and activations by.</summary>
internal static unsafe class Vectors512
{
    /// <summary>Four columns of a token, for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<sbyte> Quad(byte* columns) => Vector512.Create(*(int*)columns).AsSByte();

    /// <summary>The low and the high nibbles of a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SplitNibbles(byte* line, out Vector512<byte> low, out Vector512<byte> high)
    {
        Vector512<byte> mask = Vector512.Create((byte)15), both = Vector512.Load(line);
        low = both & mask;
        high = (both.AsUInt16() >> 4).AsByte() & mask; // of bytes, as shifts are of words
    }
}
