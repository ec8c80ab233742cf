using System.Numerics;
using System.Runtime.Intrinsics;

namespace Kvasir.Quantization;

/// <summary>
/// How the blocks of GGML's types are laid out: each reads some blocks of 32, or one of 256, as codes, scales and minimums. <c>T</c> is
/// <see cref="Half"/> where they are packed and <see cref="float"/> where they are dequantised. In the "K" types, blocks of 256, the scale
/// of a group is a small integer times a f16 scale d of the block: the product is a normal f16 or an exact multiple of d, so rounding it
/// costs at most 2^-11 of it.
/// </summary>
internal static unsafe class BlockReaders
{
    private const float LargestHalf = 65504;

    /// <summary>The 16 levels of the non-linear types, plus 128.</summary>
    private static ReadOnlySpan<byte> Levels => [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

    /// <summary>
    /// Q4_0, Q4_1, Q5_0, Q5_1: d; m where the type has a minimum; the fifth bits of 5-bit codes as one word; 16 bytes whose low nibbles
    /// are elements 0 to 15 and whose high ones are 16 to 31.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Short<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        int bytes = type.Bytes;
        bool hasMinimum = type.HasMinimum, hasFifths = type.Bits > 4;
        for (int i = 0; i < count; i++, block += bytes, codes += 32)
        {
            scales[i] = Stored<T>(block);
            if (hasMinimum) minimums[i] = Stored<T>(block + 2);
            Split(block + bytes - 16, codes, 16);
            for (int eight = 0; hasFifths && eight < 4; eight++) ((ulong*)codes)[eight] |= Spread(block[bytes - 20 + eight]) << 4;
        }
    }

    /// <summary>d, 32 signed bytes; a flipped sign bit adds the zero point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q8_0<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        for (int i = 0; i < count; i++, block += 34, codes += 32)
        {
            scales[i] = Stored<T>(block);
            (Vector256.Load(block + 2) ^ Vector256.Create((byte)0x80)).Store(codes);
        }
    }

    /// <summary>d, 16 bytes as in Q4_0, each code a place in <see cref="Levels"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void IQ4_NL<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        for (int i = 0; i < count; i++, block += 18)
        {
            scales[i] = Stored<T>(block);
            Split(block + 2, codes + i * 32, 16);
        }
        LookUp(codes, count * 32);
    }

    /// <summary>d; the two high bits of 8 scales in a 16-bit word, their four low bits in 4 bytes; 8 x 16 bytes as in IQ4_NL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void IQ4_XS<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        float* products = stackalloc float[8];
        float scale = (float)*(Half*)block;
        int high = *(ushort*)(block + 2);
        for (int group = 0; group < 8; group++)
        {
            int low = block[4 + group / 2] >> (4 * (group % 2)) & 15;
            products[group] = scale * ((low | (high >> (2 * group) & 3) << 4) - 32);
            Split(block + 8 + group * 16, codes + group * 32, 16);
        }
        Round(products, scales, 8);
        LookUp(codes, 256);
    }

    /// <summary>Scale and minimum of 16 groups in a byte each; 64 bytes of 2-bit codes; d; the minimums' scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q2_K<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        float* products = stackalloc float[32];
        float scale = (float)*(Half*)(block + 80), minimum = (float)*(Half*)(block + 82);
        for (int group = 0; group < 16; group++)
        {
            products[group] = scale * (block[group] & 15);
            products[16 + group] = -(minimum * (block[group] >> 4));
        }
        Round(products, scales, 16);
        Round(products + 16, minimums, 16);
        new Span<byte>(codes, 256).Clear();
        for (int run = 0; run < 8; run++) AddBits(block + 16 + run / 4 * 32, run % 4 * 2, 3, 0, codes + run * 32);
    }

    /// <summary>
    /// 32 bytes of third bits; 64 bytes of 2-bit codes; 16 scales of 6 bits in 12 bytes, four low bits before two high ones; d.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q3_K<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        float* products = stackalloc float[16];
        float scale = (float)*(Half*)(block + 108);
        byte* packed = block + 96;
        for (int group = 0; group < 16; group++)
        {
            int low = packed[group % 8] >> (group / 8 * 4) & 15;
            int high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
            products[group] = scale * ((low | high << 4) - 32);
        }
        Round(products, scales, 16);
        new Span<byte>(codes, 256).Clear();
        for (int run = 0; run < 8; run++)
        {
            AddBits(block + 32 + run / 4 * 32, run % 4 * 2, 3, 0, codes + run * 32);
            AddBits(block, run, 1, 2, codes + run * 32);
        }
    }

    /// <summary>d; the minimums' scale; 12 bytes of scales and minimums; 4 x 32 bytes, low nibbles before high ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_K<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        ReadSixBits(block, scales, minimums);
        for (int pair = 0; pair < 4; pair++) Split(block + 16 + pair * 32, codes + pair * 64, 32);
    }

    /// <summary>As Q4_K, with 32 bytes of fifth bits before the nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_K<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        ReadSixBits(block, scales, minimums);
        for (int pair = 0; pair < 4; pair++) Split(block + 48 + pair * 32, codes + pair * 64, 32);
        for (int run = 0; run < 8; run++) AddBits(block + 16, run, 1, 4, codes + run * 32);
    }

    /// <summary>128 bytes of low nibbles; 64 bytes of high bit pairs; 16 scales of a signed byte; d.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q6_K<T>(BlockType type, byte* block, int count, byte* codes, T* scales, T* minimums)
        where T : unmanaged, INumberBase<T>
    {
        float* products = stackalloc float[16];
        float scale = (float)*(Half*)(block + 208);
        for (int group = 0; group < 16; group++) products[group] = scale * (sbyte)block[192 + group];
        Round(products, scales, 16);
        for (int half = 0; half < 2; half++)
        {
            Split(block + half * 64, codes + half * 128, 64);
            for (int run = 0; run < 4; run++) AddBits(block + 128 + half * 32, run * 2, 3, 4, codes + half * 128 + run * 32);
        }
    }

    /// <summary>
    /// The 6-bit scales and minimums of 8 groups: those of the first four are the low 6 bits of bytes 0..3 and 4..7, those of the last
    /// four are split between the nibbles of bytes 8..11 and the top bits of bytes 0..7.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ReadSixBits<T>(byte* block, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        float* products = stackalloc float[16];
        float scale = (float)*(Half*)block, minimum = (float)*(Half*)(block + 2);
        byte* packed = block + 4;
        for (int group = 0; group < 8; group++)
        {
            int s = group < 4 ? packed[group] & 63 : packed[group + 4] & 15 | packed[group - 4] >> 6 << 4;
            int m = group < 4 ? packed[group + 4] & 63 : packed[group + 4] >> 4 | packed[group] >> 6 << 4;
            products[group] = scale * s;
            products[8 + group] = -(minimum * m);
        }
        Round(products, scales, 8);
        Round(products + 8, minimums, 8);
    }

    /// <summary>Low nibbles of <paramref name="count"/> bytes, then their high nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(byte* source, byte* codes, int count)
    {
        for (int i = 0; i < count; i += 16)
        {
            Vector128<byte> bytes = Vector128.Load(source + i), low = Vector128.Create((byte)15);
            (bytes & low).Store(codes + i);
            (bytes >> 4).Store(codes + count + i);
        }
    }

    /// <summary>
    /// Of each of 32 bytes shifted right takes <paramref name="mask"/>, and puts it shifted left into the codes: bits of a code that lie
    /// apart.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBits(byte* source, int right, byte mask, int left, byte* codes)
    {
        for (int i = 0; i < 32; i += 16)
        {
            Vector128<byte> bits = Vector128.Load(source + i) >> right & Vector128.Create(mask);
            (Vector128.Load(codes + i) | bits << left).Store(codes + i);
        }
    }

    /// <summary>Eight bits as eight bytes of 0 or 1: each byte keeps its bit, and what is not zero carries into the top bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Spread(byte bits) =>
        (bits * 0x0101010101010101ul & 0x8040201008040201) + 0x7F7F7F7F7F7F7F7F >> 7 & 0x0101010101010101;

    /// <summary>Codes of 4 bits become levels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LookUp(byte* codes, int count)
    {
        var levels = Vector128.Create(Levels);
        for (int i = 0; i < count; i += 16) Vector128.Shuffle(levels, Vector128.Load(codes + i)).Store(codes + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Stored<T>(byte* half) where T : INumberBase<T> => T.CreateTruncating(*(Half*)half);

    /// <summary>8 or 16 values as they are, or rounded to f16, whose largest value stands for all beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round<T>(float* values, T* rounded, int count) where T : unmanaged, INumberBase<T>
    {
        for (int i = 0; i < count; i += 8)
        {
            var eight = Vector256.Load(values + i);
            if (typeof(T) == typeof(float)) eight.Store((float*)rounded + i);
            else if (Vector256.LessThanOrEqualAll(Vector256.Abs(eight), Vector256.Create(LargestHalf)))
                ToHalves(eight).Store((ushort*)rounded + i);
            else
                for (int k = i; k < i + 8; k++) rounded[k] = T.CreateTruncating(Math.Clamp(values[k], -LargestHalf, LargestHalf));
        }
    }

    /// <summary>
    /// f16 of finite values in its range. To add 2^13 times a value's power of two (at least that of f16's subnormals, 2^-14) leaves ten
    /// bits of its fraction, the last one rounded to even.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> ToHalves(Vector256<float> values)
    {
        Vector256<int> bits = values.AsInt32(), size = bits & Vector256.Create(int.MaxValue);
        Vector256<int> power = Vector256.Max(size & Vector256.Create(0xFF << 23), Vector256.Create(127 - 14 << 23));
        Vector256<int> shifter = power + Vector256.Create(13 << 23);
        Vector256<int> fraction = (size.AsSingle() + shifter.AsSingle()).AsInt32() - shifter;
        Vector256<int> halves = fraction + (power - Vector256.Create(127 - 14 << 23) >> 13) | bits >> 16 & Vector256.Create(0x8000);
        return Vector128.Narrow(halves.GetLower(), halves.GetUpper()).AsUInt16();
    }
}
