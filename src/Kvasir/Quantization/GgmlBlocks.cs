namespace Kvasir.Quantization;

/// <summary>GGML's weight block types: sizes, dequantisation and (for the simple types) quantisation.</summary>
internal static class GgmlBlocks
{
    /// <summary>Elements in one block: 1, 32 or 256.</summary>
    public static int BlockLength(TensorType type) => throw new NotImplementedException();

    /// <summary>Bytes of one block.</summary>
    public static int BlockBytes(TensorType type) => throw new NotImplementedException();

    /// <summary>Bytes of <paramref name="count"/> elements, a multiple of the block length.</summary>
    public static long ByteLength(TensorType type, long count) => count / BlockLength(type) * BlockBytes(type);

    public static void Dequantize(TensorType type, ReadOnlySpan<byte> source, Span<float> destination) => throw new NotImplementedException();

    /// <summary>Quantises as ggml does (types F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1), byte for byte.</summary>
    public static void Quantize(TensorType type, ReadOnlySpan<float> source, Span<byte> destination) => throw new NotImplementedException();
}
