namespace Kvasir.Numerics;

/// <summary>Reads one block of a GGML type as codes, and f16 scale and minimum per group (see <see cref="PackedFormat"/>).</summary>
internal unsafe interface IBlockReader
{
    /// <summary>Elements of a block.</summary>
    public static abstract int Length { get; }

    /// <summary>Bytes of a block.</summary>
    public static abstract int Bytes { get; }

    /// <summary>Minimums are written only by types that have them.</summary>
    public static abstract void Read(byte* block, byte* codes, ushort* scales, ushort* minimums);
}

internal readonly unsafe struct Q8_0Reader : IBlockReader
{
    public static int Length => 32;

    public static int Bytes => 34;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        scales[0] = *(ushort*)block;
        for (int i = 0; i < 32; i += 8) *(ulong*)(codes + i) = *(ulong*)(block + 2 + i) ^ 0x8080808080808080;
    }
}

internal readonly unsafe struct Q4_0Reader : IBlockReader
{
    public static int Length => 32;

    public static int Bytes => 18;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        scales[0] = *(ushort*)block;
        Nibbles.Split(block + 2, codes, 16);
    }
}

internal readonly unsafe struct Q4_1Reader : IBlockReader
{
    public static int Length => 32;

    public static int Bytes => 20;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        scales[0] = *(ushort*)block;
        minimums[0] = *(ushort*)(block + 2);
        Nibbles.Split(block + 4, codes, 16);
    }
}

internal readonly unsafe struct Q5_0Reader : IBlockReader
{
    public static int Length => 32;

    public static int Bytes => 22;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        scales[0] = *(ushort*)block;
        Nibbles.Split(block + 6, codes, 16);
        Nibbles.AddFifthBits(*(uint*)(block + 2), codes);
    }
}

internal readonly unsafe struct Q5_1Reader : IBlockReader
{
    public static int Length => 32;

    public static int Bytes => 24;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        scales[0] = *(ushort*)block;
        minimums[0] = *(ushort*)(block + 2);
        Nibbles.Split(block + 8, codes, 16);
        Nibbles.AddFifthBits(*(uint*)(block + 4), codes);
    }
}

internal readonly unsafe struct IQ4_NLReader : IBlockReader
{
    public static int Length => 32;

    public static int Bytes => 18;

    /// <summary>The 16 levels of the non-linear types, plus 128.</summary>
    public static ReadOnlySpan<byte> Levels => [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        scales[0] = *(ushort*)block;
        Nibbles.Split(block + 2, codes, 16);
        Nibbles.Look(Levels, codes, 32);
    }
}

internal readonly unsafe struct IQ4_XSReader : IBlockReader
{
    public static int Length => 256;

    public static int Bytes => 136;

    public static void Read(byte* block, byte* codes, ushort* scales, ushort* minimums)
    {
        float scale = Nibbles.Float(*(ushort*)block);
        int high = *(ushort*)(block + 2);
        for (int group = 0; group < 8; group++)
        {
            int low = block[4 + group / 2] >> (4 * (group % 2)) & 15;
            scales[group] = Nibbles.Half(scale * ((low | (high >> (2 * group) & 3) << 4) - 32));
            Nibbles.Split(block + 8 + group * 16, codes + group * 32, 16);
        }
        Nibbles.Look(IQ4_NLReader.Levels, codes, 256);
    }
}

/// <summary>Bit work that several block types share.</summary>
internal static unsafe class Nibbles
{
    /// <summary>Low nibbles of <paramref name="count"/> bytes, then their high nibbles.</summary>
    public static void Split(byte* source, byte* codes, int count)
    {
        for (int i = 0; i < count; i += 8)
        {
            ulong bytes = *(ulong*)(source + i);
            *(ulong*)(codes + i) = bytes & 0x0F0F0F0F0F0F0F0F;
            *(ulong*)(codes + count + i) = bytes >> 4 & 0x0F0F0F0F0F0F0F0F;
        }
    }

    /// <summary>Takes <paramref name="mask"/> of each byte shifted right, shifts it left and puts it into the codes: the higher bits of a code that lie apart.</summary>
    public static void AddBits(byte* source, int right, byte mask, int left, byte* codes, int count)
    {
        ulong kept = mask * 0x0101010101010101ul;
        for (int i = 0; i < count; i += 8) *(ulong*)(codes + i) |= (*(ulong*)(source + i) >> right & kept) << left;
    }

    /// <summary>Bit i of <paramref name="bits"/> becomes bit 4 of code i.</summary>
    public static void AddFifthBits(uint bits, byte* codes)
    {
        for (int i = 0; i < 32; i++) codes[i] |= (byte)((bits >> i & 1) << 4);
    }

    public static void Look(ReadOnlySpan<byte> levels, byte* codes, int count)
    {
        for (int i = 0; i < count; i++) codes[i] = levels[codes[i] & 15];
    }

    public static float Float(ushort half) => (float)BitConverter.UInt16BitsToHalf(half);

    /// <summary>Rounded to f16, whose largest values stand for all beyond.</summary>
    public static ushort Half(float value) => BitConverter.HalfToUInt16Bits((Half)Math.Clamp(value, -65504f, 65504f));
}
