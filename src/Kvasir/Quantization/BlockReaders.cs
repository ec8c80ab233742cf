using System.Numerics;

namespace Kvasir.Quantization;

/// <summary>
/// How the blocks of GGML's types are laid out: each reads one block as codes, scales and minimums. <c>T</c> is <see cref="Half"/> where
/// the block is packed and <see cref="float"/> where it is dequantised. In the "K" types, blocks of 256, the scale of a group is a
/// small integer times a f16 scale d of the block: the product is a normal f16 or an exact multiple of d, so rounding it costs at most
/// 2^-11 of it.
/// </summary>
internal static unsafe class BlockReaders
{
    /// <summary>The 16 levels of the non-linear types, plus 128.</summary>
    private static ReadOnlySpan<byte> Levels => [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

    /// <summary>
    /// Q4_0, Q4_1, Q5_0, Q5_1: d; m where the type has a minimum; the fifth bits of 5-bit codes as one word; 16 bytes whose low nibbles
    /// are elements 0 to 15 and whose high ones are 16 to 31.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Short<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        scales[0] = Stored<T>(block);
        if (type.HasMinimum) minimums[0] = Stored<T>(block + 2);
        Split(block + type.Bytes - 16, codes, 16);
        if (type.Bits == 4) return;
        uint fifths = *(uint*)(block + type.Bytes - 20);
        for (int i = 0; i < 32; i++) codes[i] |= (byte)((fifths >> i & 1) << 4);
    }

    /// <summary>d, 32 signed bytes; a flipped sign bit adds the zero point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q8_0<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        scales[0] = Stored<T>(block);
        for (int i = 0; i < 32; i += 8) *(ulong*)(codes + i) = *(ulong*)(block + 2 + i) ^ 0x8080808080808080;
    }

    /// <summary>d, 16 bytes as in Q4_0, each code a place in <see cref="Levels"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void IQ4_NL<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        scales[0] = Stored<T>(block);
        Split(block + 2, codes, 16);
        LookUp(codes, 32);
    }

    /// <summary>d; the two high bits of 8 scales in a 16-bit word, their four low bits in 4 bytes; 8 x 16 bytes as in IQ4_NL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void IQ4_XS<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        float scale = (float)*(Half*)block;
        int high = *(ushort*)(block + 2);
        for (int group = 0; group < 8; group++)
        {
            int low = block[4 + group / 2] >> (4 * (group % 2)) & 15;
            scales[group] = Rounded<T>(scale * ((low | (high >> (2 * group) & 3) << 4) - 32));
            Split(block + 8 + group * 16, codes + group * 32, 16);
        }

        LookUp(codes, 256);
    }

    /// <summary>Scale and minimum of 16 groups in a byte each; 64 bytes of 2-bit codes; d; the minimums' scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q2_K<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        float scale = (float)*(Half*)(block + 80), minimum = (float)*(Half*)(block + 82);
        for (int group = 0; group < 16; group++)
        {
            scales[group] = Rounded<T>(scale * (block[group] & 15));
            minimums[group] = Rounded<T>(-(minimum * (block[group] >> 4)));
        }

        new Span<byte>(codes, 256).Clear();
        for (int run = 0; run < 8; run++) AddBits(block + 16 + run / 4 * 32, run % 4 * 2, 3, 0, codes + run * 32);
    }

    /// <summary>
    /// 32 bytes of third bits; 64 bytes of 2-bit codes; 16 scales of 6 bits in 12 bytes, four low bits before two high ones; d.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q3_K<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        float scale = (float)*(Half*)(block + 108);
        byte* packed = block + 96;
        for (int group = 0; group < 16; group++)
        {
            int low = packed[group % 8] >> (group / 8 * 4) & 15;
            int high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
            scales[group] = Rounded<T>(scale * ((low | high << 4) - 32));
        }

        new Span<byte>(codes, 256).Clear();
        for (int run = 0; run < 8; run++)
        {
            AddBits(block + 32 + run / 4 * 32, run % 4 * 2, 3, 0, codes + run * 32);
            AddBits(block, run, 1, 2, codes + run * 32);
        }
    }

    /// <summary>d; the minimums' scale; 12 bytes of scales and minimums; 4 x 32 bytes, low nibbles before high ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_K<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        ReadSixBits(block, scales, minimums);
        for (int pair = 0; pair < 4; pair++) Split(block + 16 + pair * 32, codes + pair * 64, 32);
    }

    /// <summary>As Q4_K, with 32 bytes of fifth bits before the nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_K<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        ReadSixBits(block, scales, minimums);
        for (int pair = 0; pair < 4; pair++) Split(block + 48 + pair * 32, codes + pair * 64, 32);
        for (int run = 0; run < 8; run++) AddBits(block + 16, run, 1, 4, codes + run * 32);
    }

    /// <summary>128 bytes of low nibbles; 64 bytes of high bit pairs; 16 scales of a signed byte; d.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q6_K<T>(BlockType type, byte* block, byte* codes, T* scales, T* minimums) where T : unmanaged, INumberBase<T>
    {
        float scale = (float)*(Half*)(block + 208);
        for (int group = 0; group < 16; group++) scales[group] = Rounded<T>(scale * (sbyte)block[192 + group]);
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
        float scale = (float)*(Half*)block, minimum = (float)*(Half*)(block + 2);
        byte* packed = block + 4;
        for (int group = 0; group < 8; group++)
        {
            int s = group < 4 ? packed[group] & 63 : packed[group + 4] & 15 | packed[group - 4] >> 6 << 4;
            int m = group < 4 ? packed[group + 4] & 63 : packed[group + 4] >> 4 | packed[group] >> 6 << 4;
            scales[group] = Rounded<T>(scale * s);
            minimums[group] = Rounded<T>(-(minimum * m));
        }
    }

    /// <summary>Low nibbles of <paramref name="count"/> bytes, then their high nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(byte* source, byte* codes, int count)
    {
        for (int i = 0; i < count; i += 8)
        {
            ulong bytes = *(ulong*)(source + i);
            *(ulong*)(codes + i) = bytes & 0x0F0F0F0F0F0F0F0F;
            *(ulong*)(codes + count + i) = bytes >> 4 & 0x0F0F0F0F0F0F0F0F;
        }
    }

    /// <summary>
    /// Of each of 32 bytes shifted right takes <paramref name="mask"/>, and puts it shifted left into the codes: bits of a code that lie
    /// apart.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBits(byte* source, int right, byte mask, int left, byte* codes)
    {
        ulong kept = mask * 0x0101010101010101ul;
        for (int i = 0; i < 32; i += 8) *(ulong*)(codes + i) |= (*(ulong*)(source + i) >> right & kept) << left;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LookUp(byte* codes, int count)
    {
        for (int i = 0; i < count; i++) codes[i] = Levels[codes[i] & 15];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Stored<T>(byte* half) where T : INumberBase<T> => T.CreateTruncating(*(Half*)half);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Rounded<T>(float value) where T : INumberBase<T> =>
        T.CreateTruncating(typeof(T) == typeof(Half) ? Math.Clamp(value, -65504f, 65504f) : value);
}
