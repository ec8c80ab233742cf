namespace Kvasir.Numerics;

// The "K" types: blocks of 256 whose group scales are small integers times a f16 scale of the block. The product is kept
// as f16: it is a normal or an exact multiple of the block's scale, so the rounding is at most 2^-11 of the scale.

internal readonly unsafe struct Q2_KReader : IBlockReader
{
    public static int Length => 256;

    public static int Bytes => 84;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        float scale = Nibbles.Float(*(ushort*)(block + 80)), minimum = Nibbles.Float(*(ushort*)(block + 82));
        for (int group = 0; group < 16; group++)
        {
            scales[group] = Nibbles.Half(scale * (block[group] & 15));
            minimums[group] = Nibbles.Half(-minimum * (block[group] >> 4));
        }
        new Span<byte>(codes, 256).Clear();
        for (int run = 0; run < 8; run++) Nibbles.AddBits(block + 16 + run / 4 * 32, run % 4 * 2, 3, 0, codes + run * 32, 32);
    }
}

internal readonly unsafe struct Q3_KReader : IBlockReader
{
    public static int Length => 256;

    public static int Bytes => 110;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        float scale = Nibbles.Float(*(ushort*)(block + 108));
        byte* packed = block + 96;
        for (int group = 0; group < 16; group++)
        {
            int low = packed[group % 8] >> (group / 8 * 4) & 15;
            int high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
            scales[group] = Nibbles.Half(scale * ((low | high << 4) - 32));
        }
        new Span<byte>(codes, 256).Clear();
        for (int run = 0; run < 8; run++)
        {
            Nibbles.AddBits(block + 32 + run / 4 * 32, run % 4 * 2, 3, 0, codes + run * 32, 32);
            Nibbles.AddBits(block, run, 1, 2, codes + run * 32, 32);
        }
    }
}

internal readonly unsafe struct Q4_KReader : IBlockReader
{
    public static int Length => 256;

    public static int Bytes => 144;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        SixBitScales.Read(block, scales, minimums);
        for (int pair = 0; pair < 4; pair++) Nibbles.Split(block + 16 + pair * 32, codes + pair * 64, 32);
    }
}

internal readonly unsafe struct Q5_KReader : IBlockReader
{
    public static int Length => 256;

    public static int Bytes => 176;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        SixBitScales.Read(block, scales, minimums);
        for (int pair = 0; pair < 4; pair++) Nibbles.Split(block + 48 + pair * 32, codes + pair * 64, 32);
        for (int run = 0; run < 8; run++) Nibbles.AddBits(block + 16, run, 1, 4, codes + run * 32, 32);
    }
}

internal readonly unsafe struct Q6_KReader : IBlockReader
{
    public static int Length => 256;

    public static int Bytes => 210;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        float scale = Nibbles.Float(*(ushort*)(block + 208));
        for (int group = 0; group < 16; group++) scales[group] = Nibbles.Half(scale * (sbyte)block[192 + group]);
        for (int half = 0; half < 2; half++)
        {
            Nibbles.Split(block + half * 64, codes + half * 128, 64);
            for (int run = 0; run < 4; run++) Nibbles.AddBits(block + 128 + half * 32, run * 2, 3, 4, codes + half * 128 + run * 32, 32);
        }
    }
}

/// <summary>The twelve bytes of Q4_K and Q5_K: eight scales and eight minimums of six bits.</summary>
internal static unsafe class SixBitScales
{
    public static void Read(byte* block, ushort* scales, ushort* minimums)
    {
        float scale = Nibbles.Float(*(ushort*)block), minimum = Nibbles.Float(*(ushort*)(block + 2));
        byte* packed = block + 4;
        for (int group = 0; group < 8; group++)
        {
            int s = group < 4 ? packed[group] & 63 : packed[group + 4] & 15 | packed[group - 4] >> 6 << 4;
            int m = group < 4 ? packed[group + 4] & 63 : packed[group + 4] >> 4 | packed[group] >> 6 << 4;
            scales[group] = Nibbles.Half(scale * s);
            minimums[group] = Nibbles.Half(-minimum * m);
        }
    }
}
