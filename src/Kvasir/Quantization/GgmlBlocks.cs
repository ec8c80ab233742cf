using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>
/// GGML's weight block types: sizes, dequantisation and (for the simple types) quantisation.
/// Multi-byte numbers are little-endian, as on every platform this runs on.
/// </summary>
internal static class GgmlBlocks
{
    /// <summary>Elements in one block: 1, 32 or 256.</summary>
    public static int BlockLength(TensorType type) => Layout(type).Length;

    /// <summary>Bytes of one block.</summary>
    public static int BlockBytes(TensorType type) => Layout(type).Bytes;

    /// <summary>Bytes of <paramref name="count"/> elements, a multiple of the block length.</summary>
    public static long ByteLength(TensorType type, long count) => count / Layout(type).Length * Layout(type).Bytes;

    /// <summary>Whether <paramref name="type"/> (a number from a file) is one of <see cref="TensorType"/>.</summary>
    public static bool IsKnown(TensorType type) => Enum.IsDefined(type);

    /// <summary>Dequantises exactly as many elements as <paramref name="destination"/> holds, a multiple of the block length.</summary>
    public static void Dequantize(TensorType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        RequireMatch(type, destination.Length, source.Length);
        switch (type)
        {
            case TensorType.F32: MemoryMarshal.Cast<byte, float>(source).CopyTo(destination); break;
            case TensorType.F16: TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), destination); break;
            case TensorType.BF16: WidenBFloat(MemoryMarshal.Cast<byte, ushort>(source), destination); break;
            default: BlockType.Find(type)!.Dequantize(source, destination); break;
        }
    }

    /// <summary>Quantises as ggml does (types F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1), byte for byte.</summary>
    public static void Quantize(TensorType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        RequireMatch(type, source.Length, destination.Length);
        switch (type)
        {
            case TensorType.F32: MemoryMarshal.AsBytes(source).CopyTo(destination); break;
            case TensorType.F16: TensorPrimitives.ConvertToHalf(source, MemoryMarshal.Cast<byte, Half>(destination)); break;
            case TensorType.BF16: NarrowBFloat(source, MemoryMarshal.Cast<byte, ushort>(destination)); break;
            default: BlockWriter.Write(type, source, destination); break;
        }
    }

    private static (int Length, int Bytes) Layout(TensorType type) => type switch
    {
        TensorType.F32 => (1, sizeof(float)),
        TensorType.F16 or TensorType.BF16 => (1, sizeof(ushort)),
        _ when BlockType.Find(type) is { } block => (block.Length, block.Bytes),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a known tensor type"),
    };

    private static void RequireMatch(TensorType type, int elements, int bytes)
    {
        (int length, int blockBytes) = Layout(type);
        if (elements % length != 0) throw new ArgumentException($"{elements} elements are not a whole number of {type} blocks of {length}");
        if ((long)elements / length * blockBytes != bytes) throw new ArgumentException($"{elements} elements of {type} are not {bytes} bytes");
    }

    /// <summary>A bfloat16 is the upper half of a float32.</summary>
    private static void WidenBFloat(ReadOnlySpan<ushort> words, Span<float> destination)
    {
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
    private static void NarrowBFloat(ReadOnlySpan<float> source, Span<ushort> words)
    {
        for (int i = 0; i < words.Length; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(source[i]);
            words[i] = (ushort)(float.IsNaN(source[i]) ? (bits >> 16) | 0x40 : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }
}
