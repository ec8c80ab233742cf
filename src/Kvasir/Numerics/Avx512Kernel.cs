using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>
/// 4-bit codes with 512-bit vectors: 16 rows a vector, 32 rows x up to 6 tokens of accumulators in registers.
/// u8 x s8 pairs are summed in int16: a pair is at most 2 * 15 * 127 = 3810 and a group adds at most 8 of them, so that neither
/// the saturating multiply-add nor the sum overflows; one more multiply-add by ones per group widens to int32.
/// Codes of 8 bits go to <see cref="Vector256Kernel{TDot}"/>.
/// </summary>
internal readonly unsafe struct Avx512Kernel : IPanelKernel
{
    public static int MaxTokens(in PackedFormat format) => format.Bits == 4 ? 6 : Vector256Kernel<AvxVnniDot>.MaxTokens(format);

    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        if (format.Bits == 8) Vector256Kernel<AvxVnniDot>.Multiply(format, panel, blocks, x, stride, tokens, result);
        else if (format.HasMinimum && format.Group == 32) Multiply<Minimum32>(format.ZeroPoint, panel, blocks, x, stride, tokens, result);
        else if (format.HasMinimum) Multiply<Minimum16>(format.ZeroPoint, panel, blocks, x, stride, tokens, result);
        else if (format.Group == 32) Multiply<Zero32>(format.ZeroPoint, panel, blocks, x, stride, tokens, result);
        else Multiply<Zero16>(format.ZeroPoint, panel, blocks, x, stride, tokens, result);
    }

    private static void Multiply<TForm>(int zeroPoint, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result) where TForm : IForm
    {
        switch (tokens)
        {
            case 1: Tile<TForm, C1>(zeroPoint, panel, blocks, (byte*)x, stride, result); break;
            case 2: Tile<TForm, C2>(zeroPoint, panel, blocks, (byte*)x, stride, result); break;
            case 3: Tile<TForm, C3>(zeroPoint, panel, blocks, (byte*)x, stride, result); break;
            case 4: Tile<TForm, C4>(zeroPoint, panel, blocks, (byte*)x, stride, result); break;
            case 5: Tile<TForm, C5>(zeroPoint, panel, blocks, (byte*)x, stride, result); break;
            default: Tile<TForm, C6>(zeroPoint, panel, blocks, (byte*)x, stride, result); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TForm, TTokens>(int zeroPoint, byte* panel, int blocks, byte* x, nint stride, float* result)
        where TForm : IForm where TTokens : IConstant
    {
        const int CodeBytes = 512, GroupBytes = 64;
        int scaleBytes = GroupBytes * 32 / TForm.Group;
        int blockBytes = CodeBytes + (TForm.HasMinimum ? 2 : 1) * scaleBytes;
        byte* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride, x4 = x3 + stride, x5 = x4 + stride;
        Vector512<float> s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default;
        Vector512<float> s30 = default, s31 = default, s40 = default, s41 = default, s50 = default, s51 = default;
        nint at = 0;
        for (byte* end = panel + (nint)blocks * blockBytes; panel < end; panel += blockBytes, at += sizeof(ActivationBlock))
        {
            for (int group = 0; group < 32 / TForm.Group; group++)
            {
                Vector512<short> d00 = default, d01 = default, d10 = default, d11 = default, d20 = default, d21 = default;
                Vector512<short> d30 = default, d31 = default, d40 = default, d41 = default, d50 = default, d51 = default;
                byte* codes = panel + group * (CodeBytes / 2);
                nint column = at + group * 16;
                for (nint endColumn = column + TForm.Group; column < endColumn; column += 8, codes += 128)
                {
                    var raw0 = Vector512.Load(codes);
                    var raw1 = Vector512.Load(codes + 64);
                    var w0 = raw0 & Vector512.Create((byte)15);
                    var w1 = raw1 & Vector512.Create((byte)15);
                    var a = Quad(x + column);
                    d00 += Avx512BW.MultiplyAddAdjacent(w0, a); d01 += Avx512BW.MultiplyAddAdjacent(w1, a);
                    if (TTokens.Value > 1) { a = Quad(x1 + column); d10 += Avx512BW.MultiplyAddAdjacent(w0, a); d11 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    if (TTokens.Value > 2) { a = Quad(x2 + column); d20 += Avx512BW.MultiplyAddAdjacent(w0, a); d21 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    if (TTokens.Value > 3) { a = Quad(x3 + column); d30 += Avx512BW.MultiplyAddAdjacent(w0, a); d31 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    if (TTokens.Value > 4) { a = Quad(x4 + column); d40 += Avx512BW.MultiplyAddAdjacent(w0, a); d41 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    if (TTokens.Value > 5) { a = Quad(x5 + column); d50 += Avx512BW.MultiplyAddAdjacent(w0, a); d51 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    w0 = (raw0.AsUInt16() >> 4).AsByte() & Vector512.Create((byte)15);
                    w1 = (raw1.AsUInt16() >> 4).AsByte() & Vector512.Create((byte)15);
                    a = Quad(x + column + 4);
                    d00 += Avx512BW.MultiplyAddAdjacent(w0, a); d01 += Avx512BW.MultiplyAddAdjacent(w1, a);
                    if (TTokens.Value > 1) { a = Quad(x1 + column + 4); d10 += Avx512BW.MultiplyAddAdjacent(w0, a); d11 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    if (TTokens.Value > 2) { a = Quad(x2 + column + 4); d20 += Avx512BW.MultiplyAddAdjacent(w0, a); d21 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    if (TTokens.Value > 3) { a = Quad(x3 + column + 4); d30 += Avx512BW.MultiplyAddAdjacent(w0, a); d31 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    if (TTokens.Value > 4) { a = Quad(x4 + column + 4); d40 += Avx512BW.MultiplyAddAdjacent(w0, a); d41 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                    if (TTokens.Value > 5) { a = Quad(x5 + column + 4); d50 += Avx512BW.MultiplyAddAdjacent(w0, a); d51 += Avx512BW.MultiplyAddAdjacent(w1, a); }
                }
                byte* scales = panel + CodeBytes + group * GroupBytes;
                var scale0 = HalfVectors.Widen(Vector256.Load((short*)scales));
                var scale1 = HalfVectors.Widen(Vector256.Load((short*)scales + 16));
                byte* info = x + at, info1 = x1 + at, info2 = x2 + at, info3 = x3 + at, info4 = x4 + at, info5 = x5 + at;
                s00 = Add<TForm>(s00, d00, scale0, info, group, zeroPoint); s01 = Add<TForm>(s01, d01, scale1, info, group, zeroPoint);
                if (TTokens.Value > 1) { s10 = Add<TForm>(s10, d10, scale0, info1, group, zeroPoint); s11 = Add<TForm>(s11, d11, scale1, info1, group, zeroPoint); }
                if (TTokens.Value > 2) { s20 = Add<TForm>(s20, d20, scale0, info2, group, zeroPoint); s21 = Add<TForm>(s21, d21, scale1, info2, group, zeroPoint); }
                if (TTokens.Value > 3) { s30 = Add<TForm>(s30, d30, scale0, info3, group, zeroPoint); s31 = Add<TForm>(s31, d31, scale1, info3, group, zeroPoint); }
                if (TTokens.Value > 4) { s40 = Add<TForm>(s40, d40, scale0, info4, group, zeroPoint); s41 = Add<TForm>(s41, d41, scale1, info4, group, zeroPoint); }
                if (TTokens.Value > 5) { s50 = Add<TForm>(s50, d50, scale0, info5, group, zeroPoint); s51 = Add<TForm>(s51, d51, scale1, info5, group, zeroPoint); }
                if (TForm.HasMinimum)
                {
                    var minimum0 = HalfVectors.Widen(Vector256.Load((short*)(scales + scaleBytes)));
                    var minimum1 = HalfVectors.Widen(Vector256.Load((short*)(scales + scaleBytes) + 16));
                    var sum = ScaledSum<TForm>(info, group);
                    s00 = Avx512F.FusedMultiplyAdd(minimum0, sum, s00); s01 = Avx512F.FusedMultiplyAdd(minimum1, sum, s01);
                    if (TTokens.Value > 1) { sum = ScaledSum<TForm>(info1, group); s10 = Avx512F.FusedMultiplyAdd(minimum0, sum, s10); s11 = Avx512F.FusedMultiplyAdd(minimum1, sum, s11); }
                    if (TTokens.Value > 2) { sum = ScaledSum<TForm>(info2, group); s20 = Avx512F.FusedMultiplyAdd(minimum0, sum, s20); s21 = Avx512F.FusedMultiplyAdd(minimum1, sum, s21); }
                    if (TTokens.Value > 3) { sum = ScaledSum<TForm>(info3, group); s30 = Avx512F.FusedMultiplyAdd(minimum0, sum, s30); s31 = Avx512F.FusedMultiplyAdd(minimum1, sum, s31); }
                    if (TTokens.Value > 4) { sum = ScaledSum<TForm>(info4, group); s40 = Avx512F.FusedMultiplyAdd(minimum0, sum, s40); s41 = Avx512F.FusedMultiplyAdd(minimum1, sum, s41); }
                    if (TTokens.Value > 5) { sum = ScaledSum<TForm>(info5, group); s50 = Avx512F.FusedMultiplyAdd(minimum0, sum, s50); s51 = Avx512F.FusedMultiplyAdd(minimum1, sum, s51); }
                }
            }
        }
        s00.Store(result); s01.Store(result + 16);
        if (TTokens.Value > 1) { s10.Store(result + 32); s11.Store(result + 48); }
        if (TTokens.Value > 2) { s20.Store(result + 64); s21.Store(result + 80); }
        if (TTokens.Value > 3) { s30.Store(result + 96); s31.Store(result + 112); }
        if (TTokens.Value > 4) { s40.Store(result + 128); s41.Store(result + 144); }
        if (TTokens.Value > 5) { s50.Store(result + 160); s51.Store(result + 176); }
    }

    /// <summary>Four columns of a token, for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<sbyte> Quad(byte* x) => Vector512.Create(*(int*)x).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TForm>(Vector512<float> sum, Vector512<short> dot, Vector512<float> scale, byte* info, int group, int zeroPoint) where TForm : IForm
    {
        var wide = Avx512BW.MultiplyAddAdjacent(dot, Vector512.Create((short)1));
        if (!TForm.HasMinimum)
            wide -= Vector512.Create(zeroPoint * (TForm.Group == 32 ? ((ActivationBlock*)info)->Sum : ((ActivationBlock*)info)->HalfSums[group]));
        return Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(wide) * Vector512.Create(((ActivationBlock*)info)->Scale), scale, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ScaledSum<TForm>(byte* info, int group) where TForm : IForm =>
        Vector512.Create(TForm.Group == 32 ? ((ActivationBlock*)info)->ScaledSum : ((ActivationBlock*)info)->ScaledHalfSums[group]);
}
