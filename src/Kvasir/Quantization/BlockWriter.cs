using System.Numerics.Tensors;

namespace Kvasir.Quantization;

/// <summary>
/// Makes blocks of the types of 32 elements as ggml does, byte for byte (see <see cref="BlockReaders"/> for their layout).
/// </summary>
internal static class BlockWriter
{
    private const int Length = 32;

    /// <summary>Quantises as ggml does (types F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1), byte for byte.</summary>
    /// <exception cref="NotSupportedException">Blocks of this type can be read but not made.</exception>
    public static void Quantize(TensorType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        if (GgmlBlocks.ByteLength(type, source.Length) != destination.Length)
            throw new ArgumentException($"{source.Length} values of {type} are not {destination.Length} bytes");
        switch (type)
        {
            case TensorType.F32: MemoryMarshal.AsBytes(source).CopyTo(destination); return;
            case TensorType.F16: TensorPrimitives.ConvertToHalf(source, MemoryMarshal.Cast<byte, Half>(destination)); return;
            case TensorType.BF16: NarrowBFloat(source, MemoryMarshal.Cast<byte, ushort>(destination)); return;
        }

        int bytes = GgmlBlocks.BlockBytes(type);
        for (; !source.IsEmpty; source = source[Length..], destination = destination[bytes..])
            Write(type, source[..Length], destination[..bytes]);
    }

    private static void Write(TensorType type, ReadOnlySpan<float> values, Span<byte> block)
    {
        switch (type)
        {
            case TensorType.Q4_0: WriteShort(values, block, bits: 4, hasMinimum: false); break;
            case TensorType.Q4_1: WriteShort(values, block, bits: 4, hasMinimum: true); break;
            case TensorType.Q5_0: WriteShort(values, block, bits: 5, hasMinimum: false); break;
            case TensorType.Q5_1: WriteShort(values, block, bits: 5, hasMinimum: true); break;
            case TensorType.Q8_0: WriteBytes(values, block); break;
            default: throw new NotSupportedException($"{type} can be read but not made");
        }
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

    private static void WriteShort(ReadOnlySpan<float> values, Span<byte> block, int bits, bool hasMinimum)
    {
        int most = (1 << bits) - 1, middle = 1 << (bits - 1);
        (float scale, float minimum) = hasMinimum ? AffineScale(values, most) : (FirstLargest(values) / -middle, 0);
        float inverse = scale == 0 ? 0 : 1 / scale, rounding = hasMinimum ? 0.5f : middle + 0.5f;
        MemoryMarshal.Write(block, (Half)scale);
        if (hasMinimum) MemoryMarshal.Write(block[2..], (Half)minimum);
        uint fifths = 0;
        Span<byte> nibbles = block[^(Length / 2)..];
        for (int j = 0; j < nibbles.Length; j++)
        {
            int low = Code(values[j]), high = Code(values[j + nibbles.Length]);
            nibbles[j] = (byte)((low & 15) | ((high & 15) << 4));
            fifths |= ((uint)low >> 4 << j) | ((uint)high >> 4 << (j + 16));
        }

        if (bits == 5) MemoryMarshal.Write(block[(hasMinimum ? 4 : 2)..], fifths);

        int Code(float value) => Math.Min(most, (int)(((value - minimum) * inverse) + rounding));
    }

    private static void WriteBytes(ReadOnlySpan<float> values, Span<byte> block)
    {
        float scale = MathF.Abs(TensorPrimitives.MaxMagnitude(values)) / 127, inverse = scale == 0 ? 0 : 1 / scale;
        MemoryMarshal.Write(block, (Half)scale);
        for (int j = 0; j < Length; j++) block[2 + j] = (byte)(sbyte)MathF.Round(values[j] * inverse, MidpointRounding.AwayFromZero);
    }

    /// <summary>The value of the largest magnitude, the first of equals.</summary>
    private static float FirstLargest(ReadOnlySpan<float> values)
    {
        float largest = 0;
        foreach (float value in values) largest = MathF.Abs(value) > MathF.Abs(largest) ? value : largest;
        return largest;
    }

    /// <summary>The scale that maps [minimum, maximum] to [0, <paramref name="steps"/>].</summary>
    private static (float Scale, float Minimum) AffineScale(ReadOnlySpan<float> values, float steps)
    {
        float minimum = values[0], maximum = values[0];
        foreach (float value in values)
        {
            if (value < minimum) minimum = value;
            if (value > maximum) maximum = value;
        }

        return ((maximum - minimum) / steps, minimum);
    }
}
