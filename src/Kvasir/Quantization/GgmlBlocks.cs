using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>
/// GGML's weight types: sizes and dequantisation.
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
        if ((long)elements / length * blockBytes != bytes)
            throw new ArgumentException($"{elements} elements of {type} are not {bytes} bytes");
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
}
