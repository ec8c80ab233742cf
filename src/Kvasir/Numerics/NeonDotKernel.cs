using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Kvasir.Numerics;

/// <summary>
/// The s8 x s8 dot products of Armv8.2: 8 rows x up to 4 tokens of accumulators in half of the 32 registers, or 32 rows for one token.
/// 16 columns of a token are one register, of which an instruction picks the four that it multiplies with 4 rows. Codes of 4 bits are
/// signed numbers as they are; those of 8 bits with zero point 128 become so by turning their highest bit, and all others stay below 128.
/// </summary>
internal readonly unsafe struct NeonDotKernel : IPanelKernel
{
    private const int GroupBytes = 64, VectorBytes = 16, HalfBlock = 16, MiddleOfBytes = 128;

    public static int MaxTokens(in PackedFormat format) => 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        if (format.Bits == 4) Multiply<C4>(format, panel, blocks, x, stride, tokens, result);
        else Multiply<C8>(format, panel, blocks, x, stride, tokens, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TBits>(
        in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result) where TBits : IConstant
    {
        if (tokens == 1)
        {
            One<TBits>(format, panel, blocks, x, result);
            return;
        }
        for (int row = 0; row < PackedFormat.PanelRows; row += 8, result += 8)
            switch (tokens)
            {
                case 2: Tile<TBits, C2>(format, panel, row, blocks, (byte*)x, stride, result); break;
                case 3: Tile<TBits, C3>(format, panel, row, blocks, (byte*)x, stride, result); break;
                default: Tile<TBits, C4>(format, panel, row, blocks, (byte*)x, stride, result); break;
            }
    }

    /// <summary>One token: all 32 rows at once, so that the panel is one forward stream.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<TBits>(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, float* result)
        where TBits : IConstant
    {
        int columns = format.Group, groups = format.GroupsPerBlock, codeBytes = TBits.Value * 128, scaleBytes = format.ScaleBytes,
            blockBytes = format.BlockBytes;
        bool hasMinimum = format.HasMinimum;
        (Vector128<byte> turned, int zeroPoint) = Signed(format);
        var factor = Vector128.Create(format.ScaleFactor);
        Vector128<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (int block = 0; block < blocks; block++, panel += blockBytes, x++)
        {
            byte* codes = panel;
            for (int group = 0; group < groups; group++)
            {
                int sum = columns == ActivationBlock.Columns ? x->Sum : x->HalfSums[group];
                Vector128<int> d0 = Vector128.Create(-zeroPoint * sum), d1 = d0, d2 = d0, d3 = d0, d4 = d0, d5 = d0, d6 = d0, d7 = d0;
                sbyte* half = x->Codes + group * HalfBlock;
                for (sbyte* end = half + columns; half < end; half += HalfBlock, codes += TBits.Value * HalfBlock * 4)
                {
                    Vector128<sbyte> a = Vector128.Load(half);
                    d0 = Dot(d0, Read<TBits>(codes, turned), a);
                    d1 = Dot(d1, Read<TBits>(codes + VectorBytes, turned), a);
                    d2 = Dot(d2, Read<TBits>(codes + 2 * VectorBytes, turned), a);
                    d3 = Dot(d3, Read<TBits>(codes + 3 * VectorBytes, turned), a);
                    d4 = Dot(d4, Read<TBits>(codes + 4 * VectorBytes, turned), a);
                    d5 = Dot(d5, Read<TBits>(codes + 5 * VectorBytes, turned), a);
                    d6 = Dot(d6, Read<TBits>(codes + 6 * VectorBytes, turned), a);
                    d7 = Dot(d7, Read<TBits>(codes + 7 * VectorBytes, turned), a);
                }
                short* scales = (short*)(panel + codeBytes + group * GroupBytes);
                float scale = x->Scale;
                s0 = Add(s0, d0, scale, scales, factor); s1 = Add(s1, d1, scale, scales + 4, factor);
                s2 = Add(s2, d2, scale, scales + 8, factor); s3 = Add(s3, d3, scale, scales + 12, factor);
                s4 = Add(s4, d4, scale, scales + 16, factor); s5 = Add(s5, d5, scale, scales + 20, factor);
                s6 = Add(s6, d6, scale, scales + 24, factor); s7 = Add(s7, d7, scale, scales + 28, factor);
                if (hasMinimum)
                {
                    short* minima = scales + scaleBytes / sizeof(short);
                    float scaled = scale * sum;
                    s0 = AddMinimum(s0, minima, scaled, factor); s1 = AddMinimum(s1, minima + 4, scaled, factor);
                    s2 = AddMinimum(s2, minima + 8, scaled, factor); s3 = AddMinimum(s3, minima + 12, scaled, factor);
                    s4 = AddMinimum(s4, minima + 16, scaled, factor); s5 = AddMinimum(s5, minima + 20, scaled, factor);
                    s6 = AddMinimum(s6, minima + 24, scaled, factor); s7 = AddMinimum(s7, minima + 28, scaled, factor);
                }
            }
        }
        s0.Store(result); s1.Store(result + 4); s2.Store(result + 8); s3.Store(result + 12);
        s4.Store(result + 16); s5.Store(result + 20); s6.Store(result + 24); s7.Store(result + 28);
    }

    /// <summary>8 rows from <paramref name="row"/> on, two to four tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TBits, TTokens>(
        in PackedFormat format, byte* panel, int row, int blocks, byte* x, nint stride, float* result)
        where TBits : IConstant where TTokens : IConstant
    {
        int columns = format.Group, groups = format.GroupsPerBlock, codeBytes = TBits.Value * 128, scaleBytes = format.ScaleBytes,
            blockBytes = format.BlockBytes;
        bool hasMinimum = format.HasMinimum;
        (Vector128<byte> turned, int zeroPoint) = Signed(format);
        var factor = Vector128.Create(format.ScaleFactor);
        byte* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
        Vector128<float> s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default,
            s31 = default;
        nint at = 0;
        for (int block = 0; block < blocks; block++, panel += blockBytes, at += sizeof(ActivationBlock))
        {
            byte* codes = panel + row * 4;
            for (int group = 0; group < groups; group++)
            {
                ActivationBlock* info = (ActivationBlock*)(x + at), info1 = (ActivationBlock*)(x1 + at),
                    info2 = (ActivationBlock*)(x2 + at), info3 = (ActivationBlock*)(x3 + at);
                Vector128<int> d00 = Start(info, columns, group, zeroPoint), d10 = Start(info1, columns, group, zeroPoint), d20 = default,
                    d30 = default;
                if (TTokens.Value > 2) d20 = Start(info2, columns, group, zeroPoint);
                if (TTokens.Value > 3) d30 = Start(info3, columns, group, zeroPoint);
                Vector128<int> d01 = d00, d11 = d10, d21 = d20, d31 = d30;
                nint half = at + group * HalfBlock;
                for (nint end = half + columns; half < end; half += HalfBlock, codes += TBits.Value * HalfBlock * 4)
                {
                    Quads low = Read<TBits>(codes, turned), high = Read<TBits>(codes + VectorBytes, turned);
                    Vector128<sbyte> a = Vector128.Load((sbyte*)x + half);
                    d00 = Dot(d00, low, a); d01 = Dot(d01, high, a);
                    a = Vector128.Load((sbyte*)x1 + half);
                    d10 = Dot(d10, low, a); d11 = Dot(d11, high, a);
                    if (TTokens.Value > 2) { a = Vector128.Load((sbyte*)x2 + half); d20 = Dot(d20, low, a); d21 = Dot(d21, high, a); }
                    if (TTokens.Value > 3) { a = Vector128.Load((sbyte*)x3 + half); d30 = Dot(d30, low, a); d31 = Dot(d31, high, a); }
                }
                short* scales = (short*)(panel + codeBytes + group * GroupBytes) + row;
                s00 = Add(s00, d00, info->Scale, scales, factor); s01 = Add(s01, d01, info->Scale, scales + 4, factor);
                s10 = Add(s10, d10, info1->Scale, scales, factor); s11 = Add(s11, d11, info1->Scale, scales + 4, factor);
                if (TTokens.Value > 2)
                {
                    s20 = Add(s20, d20, info2->Scale, scales, factor);
                    s21 = Add(s21, d21, info2->Scale, scales + 4, factor);
                }
                if (TTokens.Value > 3)
                {
                    s30 = Add(s30, d30, info3->Scale, scales, factor);
                    s31 = Add(s31, d31, info3->Scale, scales + 4, factor);
                }
                if (!hasMinimum) continue;
                short* minima = scales + scaleBytes / sizeof(short);
                float scaled = ScaledSum(info, columns, group);
                s00 = AddMinimum(s00, minima, scaled, factor); s01 = AddMinimum(s01, minima + 4, scaled, factor);
                scaled = ScaledSum(info1, columns, group);
                s10 = AddMinimum(s10, minima, scaled, factor); s11 = AddMinimum(s11, minima + 4, scaled, factor);
                if (TTokens.Value > 2)
                {
                    scaled = ScaledSum(info2, columns, group);
                    s20 = AddMinimum(s20, minima, scaled, factor);
                    s21 = AddMinimum(s21, minima + 4, scaled, factor);
                }
                if (TTokens.Value > 3)
                {
                    scaled = ScaledSum(info3, columns, group);
                    s30 = AddMinimum(s30, minima, scaled, factor);
                    s31 = AddMinimum(s31, minima + 4, scaled, factor);
                }
            }
        }
        s00.Store(result); s01.Store(result + 4);
        s10.Store(result + PackedFormat.PanelRows); s11.Store(result + PackedFormat.PanelRows + 4);
        if (TTokens.Value > 2) { s20.Store(result + 2 * PackedFormat.PanelRows); s21.Store(result + 2 * PackedFormat.PanelRows + 4); }
        if (TTokens.Value > 3) { s30.Store(result + 3 * PackedFormat.PanelRows); s31.Store(result + 3 * PackedFormat.PanelRows + 4); }
    }

    /// <summary>What makes the codes signed, and the zero point that is left then.</summary>
    private static (Vector128<byte> Turned, int ZeroPoint) Signed(in PackedFormat format) => format.ZeroPoint == MiddleOfBytes
        ? (Vector128.Create((byte)MiddleOfBytes), 0) : (default, format.HasMinimum ? 0 : format.ZeroPoint);

    /// <summary>4 rows of 16 columns: four vectors of four columns each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quads Read<TBits>(byte* codes, Vector128<byte> turned) where TBits : IConstant
    {
        if (TBits.Value == 4)
        {
            // A byte holds two columns: k in its low nibble and k + 4 in its high one.
            Vector128<byte> first = Vector128.Load(codes), second = Vector128.Load(codes + 128), nibble = Vector128.Create((byte)15);
            return new Quads((first & nibble).AsSByte(), (first >>> 4).AsSByte(), (second & nibble).AsSByte(), (second >>> 4).AsSByte());
        }
        return new Quads(
            (Vector128.Load(codes) ^ turned).AsSByte(), (Vector128.Load(codes + 128) ^ turned).AsSByte(),
            (Vector128.Load(codes + 256) ^ turned).AsSByte(), (Vector128.Load(codes + 384) ^ turned).AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Dot(Vector128<int> sum, Quads codes, Vector128<sbyte> x)
    {
        sum = Dp.DotProductBySelectedQuadruplet(sum, codes.First, x, 0);
        sum = Dp.DotProductBySelectedQuadruplet(sum, codes.Second, x, 1);
        sum = Dp.DotProductBySelectedQuadruplet(sum, codes.Third, x, 2);
        return Dp.DotProductBySelectedQuadruplet(sum, codes.Fourth, x, 3);
    }

    /// <summary>The accumulator's start takes the zero point off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Start(ActivationBlock* x, int columns, int group, int zeroPoint) =>
        Vector128.Create(-zeroPoint * (columns == ActivationBlock.Columns ? x->Sum : x->HalfSums[group]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float ScaledSum(ActivationBlock* x, int columns, int group) =>
        columns == ActivationBlock.Columns ? x->ScaledSum : x->ScaledHalfSums[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add(Vector128<float> sum, Vector128<int> dot, float scale, short* scales, Vector128<float> factor) =>
        Vector128.MultiplyAddEstimate(
            Vector128.ConvertToSingle(dot) * Vector128.Create(scale), HalfVectors.Widen(Vector64.Load(scales), factor), sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> AddMinimum(Vector128<float> sum, short* minima, float scaledSum, Vector128<float> factor) =>
        Vector128.MultiplyAddEstimate(HalfVectors.Widen(Vector64.Load(minima), factor), Vector128.Create(scaledSum), sum);

    private readonly record struct Quads(
        Vector128<sbyte> First, Vector128<sbyte> Second, Vector128<sbyte> Third, Vector128<sbyte> Fourth);
}
