namespace Kvasir.Quantization;

/// <summary>
/// GGML's weight block types: sizes, dequantisation and (for the simple types) quantisation.
/// Multi-byte numbers are little-endian, as on every platform this runs on.
/// </summary>
internal static partial class GgmlBlocks
{
    /// <summary>Elements in one block: 1, 32 or 256.</summary>
    public static int BlockLength(TensorType type) => Layout(type).Length;

    /// <summary>Bytes of one block.</summary>
    public static int BlockBytes(TensorType type) => Layout(type).Bytes;

    /// <summary>Bytes of <paramref name="count"/> elements, a multiple of the block length.</summary>
    public static long ByteLength(TensorType type, long count)
    {
        (int length, int bytes) = Layout(type);
        return count / length * bytes;
    }

    /// <summary>Whether <paramref name="type"/> (a number from a file) is one of <see cref="TensorType"/>.</summary>
    public static bool IsKnown(TensorType type) => Layout(type, throws: false).Length != 0;

    /// <summary>Dequantises exactly as many elements as <paramref name="destination"/> holds, a multiple of the block length.</summary>
    public static void Dequantize(TensorType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        RequireMatch(type, destination.Length, source.Length);
        switch (type)
        {
            case TensorType.F32: MemoryMarshal.Cast<byte, float>(source).CopyTo(destination); break;
            case TensorType.F16: WidenHalf(source, destination); break;
            case TensorType.BF16: WidenBFloat(source, destination); break;
            case TensorType.Q4_0: Decode<Q4_0>(source, destination); break;
            case TensorType.Q4_1: Decode<Q4_1>(source, destination); break;
            case TensorType.Q5_0: Decode<Q5_0>(source, destination); break;
            case TensorType.Q5_1: Decode<Q5_1>(source, destination); break;
            case TensorType.Q8_0: Decode<Q8_0>(source, destination); break;
            case TensorType.Q2_K: Decode<Q2K>(source, destination); break;
            case TensorType.Q3_K: Decode<Q3K>(source, destination); break;
            case TensorType.Q4_K: Decode<Q4K>(source, destination); break;
            case TensorType.Q5_K: Decode<Q5K>(source, destination); break;
            case TensorType.Q6_K: Decode<Q6K>(source, destination); break;
            case TensorType.IQ4_NL: Decode<IQ4NL>(source, destination); break;
            case TensorType.IQ4_XS: Decode<IQ4XS>(source, destination); break;
            default: throw Unknown(type);
        }
    }

    /// <summary>Quantises as ggml does (types F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1), byte for byte.</summary>
    public static void Quantize(TensorType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        RequireMatch(type, source.Length, destination.Length);
        switch (type)
        {
            case TensorType.F32: MemoryMarshal.AsBytes(source).CopyTo(destination); break;
            case TensorType.F16: NarrowHalf(source, destination); break;
            case TensorType.BF16: NarrowBFloat(source, destination); break;
            case TensorType.Q4_0: Encode<Q4_0>(source, destination); break;
            case TensorType.Q4_1: Encode<Q4_1>(source, destination); break;
            case TensorType.Q5_0: Encode<Q5_0>(source, destination); break;
            case TensorType.Q5_1: Encode<Q5_1>(source, destination); break;
            case TensorType.Q8_0: Encode<Q8_0>(source, destination); break;
            default: throw new NotSupportedException($"{type} can be read but not made");
        }
    }

    private static void Decode<TBlock>(ReadOnlySpan<byte> source, Span<float> destination) where TBlock : IBlock
    {
        for (; !destination.IsEmpty; source = source[TBlock.Bytes..], destination = destination[TBlock.Length..])
            TBlock.Decode(source[..TBlock.Bytes], destination[..TBlock.Length]);
    }

    private static void Encode<TBlock>(ReadOnlySpan<float> source, Span<byte> destination) where TBlock : IEncodableBlock
    {
        for (; !source.IsEmpty; source = source[TBlock.Length..], destination = destination[TBlock.Bytes..])
            TBlock.Encode(source[..TBlock.Length], destination[..TBlock.Bytes]);
    }

    private static (int Length, int Bytes) Layout(TensorType type, bool throws = true) => type switch
    {
        TensorType.F32 => (1, sizeof(float)),
        TensorType.F16 or TensorType.BF16 => (1, sizeof(ushort)),
        TensorType.Q4_0 => Layout<Q4_0>(),
        TensorType.Q4_1 => Layout<Q4_1>(),
        TensorType.Q5_0 => Layout<Q5_0>(),
        TensorType.Q5_1 => Layout<Q5_1>(),
        TensorType.Q8_0 => Layout<Q8_0>(),
        TensorType.Q2_K => Layout<Q2K>(),
        TensorType.Q3_K => Layout<Q3K>(),
        TensorType.Q4_K => Layout<Q4K>(),
        TensorType.Q5_K => Layout<Q5K>(),
        TensorType.Q6_K => Layout<Q6K>(),
        TensorType.IQ4_NL => Layout<IQ4NL>(),
        TensorType.IQ4_XS => Layout<IQ4XS>(),
        _ => throws ? throw Unknown(type) : default,
    };

    private static (int Length, int Bytes) Layout<TBlock>() where TBlock : IBlock => (TBlock.Length, TBlock.Bytes);

    private static void RequireMatch(TensorType type, int elements, int bytes)
    {
        (int length, int blockBytes) = Layout(type);
        if (elements % length != 0) throw new ArgumentException($"{elements} elements are not a whole number of {type} blocks of {length}");
        if ((long)elements / length * blockBytes != bytes) throw new ArgumentException($"{elements} elements of {type} are not {bytes} bytes");
    }

    private static ArgumentOutOfRangeException Unknown(TensorType type) => new(nameof(type), type, "not a known tensor type");
}
