using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>The 16-bit float types, a row at a time.</summary>
internal static partial class GgmlBlocks
{
    private static void WidenHalf(ReadOnlySpan<byte> source, Span<float> destination) =>
        TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), destination);

    private static void NarrowHalf(ReadOnlySpan<float> source, Span<byte> destination) =>
        TensorPrimitives.ConvertToHalf(source, MemoryMarshal.Cast<byte, Half>(destination));

    /// <summary>A bfloat16 is the upper half of a float32.</summary>
    private static void WidenBFloat(ReadOnlySpan<byte> source, Span<float> destination)
    {
        ReadOnlySpan<ushort> words = MemoryMarshal.Cast<byte, ushort>(source);
        int i = 0;
        for (; i <= words.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(Vector256.Create(words[i..]));
            (lower << 16).AsSingle().CopyTo(destination[i..]);
            (upper << 16).AsSingle().CopyTo(destination[(i + Vector256<float>.Count)..]);
        }
        for (; i < words.Length; i++) destination[i] = BitConverter.UInt32BitsToSingle((uint)words[i] << 16);
    }

    /// <summary>Rounds to nearest, ties to even; a NaN stays a (quiet) NaN.</summary>
    private static void NarrowBFloat(ReadOnlySpan<float> source, Span<byte> destination)
    {
        Span<ushort> words = MemoryMarshal.Cast<byte, ushort>(destination);
        for (int i = 0; i < words.Length; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(source[i]);
            words[i] = float.IsNaN(source[i])
                ? (ushort)((bits >> 16) | 0x40)
                : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }
}
