using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>
/// The types of 32 elements with one scale d (and, for the _1 types, one minimum m) in float16.
/// 4- and 5-bit quants: byte j holds element j in its low and element j + 16 in its high nibble; bit j of the 32-bit word
/// holds the fifth bit of element j.
/// </summary>
internal static partial class GgmlBlocks
{
    /// <summary>d, 16 bytes: x = d (q - 8).</summary>
    private readonly struct Q4_0 : IEncodableBlock
    {
        public static int Length => 32;

        public static int Bytes => 18;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            float scale = ReadHalf(block);
            Vector128<byte> nibbles = Load(block[2..]), zero = Vector128.Create((byte)8);
            Scale((Low(nibbles) - zero).AsSByte(), scale, values);
            Scale((High(nibbles) - zero).AsSByte(), scale, values[16..]);
        }

        public static void Encode(ReadOnlySpan<float> values, Span<byte> block)
        {
            (float scale, float inverse) = SymmetricScale(values, -8);
            WriteHalf(block, scale);
            for (int j = 0; j < 16; j++)
                block[2 + j] = (byte)(Quant(values[j], inverse, 8.5f, 15) | (Quant(values[j + 16], inverse, 8.5f, 15) << 4));
        }
    }

    /// <summary>d, m, 16 bytes: x = d q + m.</summary>
    private readonly struct Q4_1 : IEncodableBlock
    {
        public static int Length => 32;

        public static int Bytes => 20;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            float scale = ReadHalf(block), minimum = ReadHalf(block[2..]);
            Vector128<byte> nibbles = Load(block[4..]);
            Scale(Low(nibbles), scale, minimum, values);
            Scale(High(nibbles), scale, minimum, values[16..]);
        }

        public static void Encode(ReadOnlySpan<float> values, Span<byte> block)
        {
            (float scale, float inverse, float minimum) = AffineScale(values, 15);
            WriteHalf(block, scale);
            WriteHalf(block[2..], minimum);
            for (int j = 0; j < 16; j++)
                block[4 + j] = (byte)(Quant(values[j] - minimum, inverse, 0.5f, 15) | (Quant(values[j + 16] - minimum, inverse, 0.5f, 15) << 4));
        }
    }

    /// <summary>d, fifth bits, 16 bytes: x = d (q - 16).</summary>
    private readonly struct Q5_0 : IEncodableBlock
    {
        public static int Length => 32;

        public static int Bytes => 22;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            float scale = ReadHalf(block);
            Vector128<byte> nibbles = Load(block[6..]), zero = Vector128.Create((byte)16);
            Scale(((Low(nibbles) | FifthBits(block[2..])) - zero).AsSByte(), scale, values);
            Scale(((High(nibbles) | FifthBits(block[4..])) - zero).AsSByte(), scale, values[16..]);
        }

        public static void Encode(ReadOnlySpan<float> values, Span<byte> block)
        {
            (float scale, float inverse) = SymmetricScale(values, -16);
            WriteHalf(block, scale);
            uint fifths = 0;
            for (int j = 0; j < 16; j++)
            {
                int low = Quant(values[j], inverse, 16.5f, 31), high = Quant(values[j + 16], inverse, 16.5f, 31);
                block[6 + j] = PackNibbles(low, high, j, ref fifths);
            }
            MemoryMarshal.Write(block[2..], fifths);
        }
    }

    /// <summary>d, m, fifth bits, 16 bytes: x = d q + m.</summary>
    private readonly struct Q5_1 : IEncodableBlock
    {
        public static int Length => 32;

        public static int Bytes => 24;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            float scale = ReadHalf(block), minimum = ReadHalf(block[2..]);
            Vector128<byte> nibbles = Load(block[8..]);
            Scale(Low(nibbles) | FifthBits(block[4..]), scale, minimum, values);
            Scale(High(nibbles) | FifthBits(block[6..]), scale, minimum, values[16..]);
        }

        public static void Encode(ReadOnlySpan<float> values, Span<byte> block)
        {
            (float scale, float inverse, float minimum) = AffineScale(values, 31);
            WriteHalf(block, scale);
            WriteHalf(block[2..], minimum);
            uint fifths = 0;
            for (int j = 0; j < 16; j++)
            {
                int low = Quant(values[j] - minimum, inverse, 0.5f, 31), high = Quant(values[j + 16] - minimum, inverse, 0.5f, 31);
                block[8 + j] = PackNibbles(low, high, j, ref fifths);
            }
            MemoryMarshal.Write(block[4..], fifths);
        }
    }

    /// <summary>d, 32 signed bytes: x = d q.</summary>
    private readonly struct Q8_0 : IEncodableBlock
    {
        public static int Length => 32;

        public static int Bytes => 34;

        public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
        {
            float scale = ReadHalf(block);
            Scale(Load(block[2..]).AsSByte(), scale, values);
            Scale(Load(block[18..]).AsSByte(), scale, values[16..]);
        }

        public static void Encode(ReadOnlySpan<float> values, Span<byte> block)
        {
            float scale = TensorPrimitives.MaxMagnitude(values);
            scale = MathF.Abs(scale) / 127;
            float inverse = scale == 0 ? 0 : 1 / scale;
            WriteHalf(block, scale);
            for (int j = 0; j < 32; j++) block[2 + j] = (byte)(sbyte)MathF.Round(values[j] * inverse, MidpointRounding.AwayFromZero);
        }
    }

    /// <summary>The scale that maps the value of the largest magnitude (the first one) to <paramref name="end"/>, and its inverse.</summary>
    private static (float Scale, float Inverse) SymmetricScale(ReadOnlySpan<float> values, float end)
    {
        float largest = 0;
        foreach (float value in values)
        {
            if (MathF.Abs(value) > MathF.Abs(largest)) largest = value;
        }
        float scale = largest / end;
        return (scale, scale == 0 ? 0 : 1 / scale);
    }

    /// <summary>The scale that maps [minimum, maximum] to [0, <paramref name="steps"/>].</summary>
    private static (float Scale, float Inverse, float Minimum) AffineScale(ReadOnlySpan<float> values, float steps)
    {
        float minimum = values[0], maximum = values[0];
        foreach (float value in values)
        {
            if (value < minimum) minimum = value;
            if (value > maximum) maximum = value;
        }
        float scale = (maximum - minimum) / steps;
        return (scale, scale == 0 ? 0 : 1 / scale, minimum);
    }

    private static int Quant(float value, float inverse, float rounding, int limit) => Math.Min(limit, (int)((value * inverse) + rounding));

    private static byte PackNibbles(int low, int high, int j, ref uint fifths)
    {
        fifths |= ((uint)low >> 4 << j) | ((uint)high >> 4 << (j + 16));
        return (byte)((low & 0xF) | ((high & 0xF) << 4));
    }

    /// <summary>16 where bit i of the 16 bits of <paramref name="bytes"/> is set, else 0.</summary>
    private static Vector128<byte> FifthBits(ReadOnlySpan<byte> bytes)
    {
        Vector128<byte> bits = Vector128.Create(0x8040201008040201UL).AsByte();
        Vector128<byte> both = Vector128.CreateScalar(MemoryMarshal.Read<ushort>(bytes)).AsByte();
        Vector128<byte> spread = Vector128.Shuffle(both, Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
        return Vector128.Equals(spread & bits, bits) & Vector128.Create((byte)16);
    }
}
