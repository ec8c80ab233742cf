using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>
/// Portable vectors: 8 rows x up to 2 tokens. Codes are taken as nibbles, whose products with activations are summed in int16,
/// even and odd columns together: 16 products of at most 15 * 127 fit. A code of 8 bits is 16 times its high nibble plus its low one.
/// </summary>
internal readonly unsafe struct Vector128Kernel : IPanelKernel
{
    private const int GroupBytes = 64;

    public static int MaxTokens(in PackedFormat format) => 2;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        for (int row = 0; row < PackedFormat.PanelRows; row += 8, result += 8)
        {
            if (format.Bits == 4 && tokens == 1) Tile<C4, C1>(format, panel, row, blocks, (byte*)x, stride, result);
            else if (format.Bits == 4) Tile<C4, C2>(format, panel, row, blocks, (byte*)x, stride, result);
            else if (tokens == 1) Tile<C8, C1>(format, panel, row, blocks, (byte*)x, stride, result);
            else Tile<C8, C2>(format, panel, row, blocks, (byte*)x, stride, result);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TBits, TTokens>(
        in PackedFormat format, byte* panel, int row, int blocks, byte* x, nint stride, float* result) where TBits
        : IConstant where TTokens : IConstant
    {
        int groupColumns = format.Group, groups = format.GroupsPerBlock, zeroPoint = format.ZeroPoint, scaleBytes = format.ScaleBytes,
            blockBytes = format.BlockBytes;
        bool hasMinimum = format.HasMinimum;
        int codeBytes = TBits.Value * 128;
        var factor = Vector128.Create(format.ScaleFactor);
        Vector128<float> s00 = default, s01 = default, s10 = default, s11 = default;
        for (int block = 0; block < blocks; block++, panel += blockBytes, x += sizeof(ActivationBlock))
        {
            for (int group = 0; group < groups; group++)
            {
                Vector128<short> l00 = default, l01 = default, l10 = default, l11 = default, h00 = default, h01 = default, h10 = default,
                    h11 = default;
                byte* codes = panel + row * 4 + group * (codeBytes / 2), quads = x + group * 16;
                for (byte* end = quads + groupColumns; quads < end; quads += TBits.Value == 4 ? 8 : 4, codes += 128)
                {
                    Vector128<ushort> w0 = Vector128.Load(codes).AsUInt16(), w1 = Vector128.Load(codes + 16).AsUInt16();
                    // The high nibbles are the next four columns (4 bits), or 16 times as much of the same (8 bits).
                    byte* high = TBits.Value == 4 ? quads + 4 : quads;
                    l00 = Add(l00, w0, quads); l01 = Add(l01, w1, quads);
                    h00 = Add(h00, w0 >> 4, high); h01 = Add(h01, w1 >> 4, high);
                    if (TTokens.Value > 1)
                    {
                        l10 = Add(l10, w0, quads + stride); l11 = Add(l11, w1, quads + stride);
                        h10 = Add(h10, w0 >> 4, high + stride); h11 = Add(h11, w1 >> 4, high + stride);
                    }
                }
                short* scales = (short*)(panel + codeBytes + group * GroupBytes) + row;
                Vector128<float> scale0 = HalfVectors.Widen(Vector64.Load(scales), factor),
                    scale1 = HalfVectors.Widen(Vector64.Load(scales + 4), factor), minimum0 = default, minimum1 = default;
                if (hasMinimum)
                {
                    minimum0 = HalfVectors.Widen(Vector64.Load(scales + scaleBytes / sizeof(short)), factor);
                    minimum1 = HalfVectors.Widen(Vector64.Load(scales + scaleBytes / sizeof(short) + 4), factor);
                }
                var info = (ActivationBlock*)x;
                int sum = groupColumns == 32 ? info->Sum : info->HalfSums[group];
                s00 = Add(s00, Widen<TBits>(l00, h00, zeroPoint * sum), scale0, info->Scale, minimum0, info->Scale * sum);
                s01 = Add(s01, Widen<TBits>(l01, h01, zeroPoint * sum), scale1, info->Scale, minimum1, info->Scale * sum);
                if (TTokens.Value > 1)
                {
                    info = (ActivationBlock*)(x + stride);
                    sum = groupColumns == 32 ? info->Sum : info->HalfSums[group];
                    s10 = Add(s10, Widen<TBits>(l10, h10, zeroPoint * sum), scale0, info->Scale, minimum0, info->Scale * sum);
                    s11 = Add(s11, Widen<TBits>(l11, h11, zeroPoint * sum), scale1, info->Scale, minimum1, info->Scale * sum);
                }
            }
        }
        s00.Store(result);
        s01.Store(result + 4);
        if (TTokens.Value > 1)
        {
            s10.Store(result + PackedFormat.PanelRows);
            s11.Store(result + PackedFormat.PanelRows + 4);
        }
    }

    /// <summary>Adds the low nibbles of four columns x 4 rows times a token's four columns, two int16 sums a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Add(Vector128<short> sum, Vector128<ushort> codes, byte* quad)
    {
        var x = Vector128.Create(*(int*)quad).AsInt16();
        var nibble = Vector128.Create((ushort)15);
        return sum + (codes & nibble).AsInt16() * ((x << 8) >> 8) + (codes >> 8 & nibble).AsInt16() * (x >> 8);
    }

    /// <summary>The dot products of 4 rows from their int16 sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Widen<TBits>(Vector128<short> low, Vector128<short> high, int offset) where TBits : IConstant
    {
        if (TBits.Value == 4) return Pairs(low) + Pairs(high) - Vector128.Create(offset);
        return Pairs(low) + (Pairs(high) << 4) - Vector128.Create(offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Pairs(Vector128<short> sums) => ((sums.AsInt32() << 16) >> 16) + (sums.AsInt32() >> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add(
        Vector128<float> sum, Vector128<int> dot, Vector128<float> scale, float xScale, Vector128<float> minimum, float xSum) =>
        sum + Vector128.ConvertToSingle(dot) * xScale * scale + minimum * xSum;
}
