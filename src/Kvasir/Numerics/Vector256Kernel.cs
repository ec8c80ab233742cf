using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>8 rows a vector, 16 rows x up to 4 tokens of accumulators in 16 registers; a panel is done in two halves.</summary>
internal readonly unsafe struct Vector256Kernel<TDot> : IPanelKernel where TDot : IDot256
{
    private const int GroupBytes = 64;

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
        if (format.HasMinimum && format.Group == 32) Multiply<TBits, Minimum32>(format, panel, blocks, x, stride, tokens, result);
        else if (format.HasMinimum) Multiply<TBits, Minimum16>(format, panel, blocks, x, stride, tokens, result);
        else if (format.Group == 32) Multiply<TBits, Zero32>(format, panel, blocks, x, stride, tokens, result);
        else Multiply<TBits, Zero16>(format, panel, blocks, x, stride, tokens, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TBits, TForm>(
        in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result) where TBits
        : IConstant where TForm : IForm
    {
        if (tokens == 1)
        {
            One<TBits, TForm>(format, panel, blocks, x, result);
            return;
        }
        for (int half = 0; half < 2; half++)
        {
            switch (tokens)
            {
                case 2: Tile<TBits, TForm, C2>(format, panel, half, blocks, (byte*)x, stride, result); break;
                case 3: Tile<TBits, TForm, C3>(format, panel, half, blocks, (byte*)x, stride, result); break;
                default: Tile<TBits, TForm, C4>(format, panel, half, blocks, (byte*)x, stride, result); break;
            }
        }
    }

    /// <summary>One token: all 32 rows at once, so that the panel is one forward stream.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<TBits, TForm>(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, float* result) where TBits
        : IConstant where TForm : IForm
    {
        int zeroPoint = format.ZeroPoint, codeBytes = TBits.Value * 128;
        int scaleBytes = GroupBytes * 32 / TForm.Group;
        int blockBytes = codeBytes + (TForm.HasMinimum ? 2 : 1) * scaleBytes;
        var factor = Vector256.Create(format.ScaleFactor);
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (int block = 0; block < blocks; block++, panel += blockBytes, x++)
        {
            for (int group = 0; group < 32 / TForm.Group; group++)
            {
                // Four chains of dot products, one for each eight rows.
                Vector256<int> d0 = Start<TForm>((byte*)x, group, zeroPoint), d1 = d0, d2 = d0, d3 = d0;
                byte* codes = panel + group * (codeBytes / 2), quads = (byte*)x + group * 16;
                for (byte* end = quads + TForm.Group; quads < end; quads += 8)
                {
                    Vector256<byte> w0 = Vector256.Load(codes), w1 = Vector256.Load(codes + 32), w2 = Vector256.Load(codes + 64),
                        w3 = Vector256.Load(codes + 96);
                    Vector256<byte> v0, v1, v2, v3;
                    if (TBits.Value == 4)
                    {
                        var mask = Vector256.Create((byte)15); // of bytes, as shifts are of words
                        v0 = (w0.AsUInt16() >> 4).AsByte() & mask; v1 = (w1.AsUInt16() >> 4).AsByte() & mask;
                        v2 = (w2.AsUInt16() >> 4).AsByte() & mask; v3 = (w3.AsUInt16() >> 4).AsByte() & mask;
                        w0 &= mask; w1 &= mask; w2 &= mask; w3 &= mask;
                        codes += 128;
                    }
                    else
                    {
                        // The next four columns of the 32 rows lie 128 bytes further on.
                        v0 = Vector256.Load(codes + 128);
                        v1 = Vector256.Load(codes + 160); v2 = Vector256.Load(codes + 192); v3 = Vector256.Load(codes + 224);
                        codes += 256;
                    }
                    var a = Quad(quads);
                    d0 = TDot.Add<TBits>(d0, w0, a);
                    d1 = TDot.Add<TBits>(d1, w1, a); d2 = TDot.Add<TBits>(d2, w2, a); d3 = TDot.Add<TBits>(d3, w3, a);
                    a = Quad(quads + 4);
                    d0 = TDot.Add<TBits>(d0, v0, a);
                    d1 = TDot.Add<TBits>(d1, v1, a); d2 = TDot.Add<TBits>(d2, v2, a); d3 = TDot.Add<TBits>(d3, v3, a);
                }
                short* scales = (short*)(panel + codeBytes + group * GroupBytes);
                s0 = Add(s0, d0, HalfVectors.Widen(Vector128.Load(scales), factor), (byte*)x);
                s1 = Add(s1, d1, HalfVectors.Widen(Vector128.Load(scales + 8), factor), (byte*)x);
                s2 = Add(s2, d2, HalfVectors.Widen(Vector128.Load(scales + 16), factor), (byte*)x);
                s3 = Add(s3, d3, HalfVectors.Widen(Vector128.Load(scales + 24), factor), (byte*)x);
                if (TForm.HasMinimum)
                {
                    scales += scaleBytes / sizeof(short);
                    var sum = ScaledSum<TForm>((byte*)x, group);
                    s0 = Fma.MultiplyAdd(HalfVectors.Widen(Vector128.Load(scales), factor), sum, s0);
                    s1 = Fma.MultiplyAdd(HalfVectors.Widen(Vector128.Load(scales + 8), factor), sum, s1);
                    s2 = Fma.MultiplyAdd(HalfVectors.Widen(Vector128.Load(scales + 16), factor), sum, s2);
                    s3 = Fma.MultiplyAdd(HalfVectors.Widen(Vector128.Load(scales + 24), factor), sum, s3);
                }
            }
        }
        s0.Store(result); s1.Store(result + 8); s2.Store(result + 16); s3.Store(result + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TBits, TForm, TTokens>(
        in PackedFormat format, byte* panel, int half, int blocks, byte* x, nint stride, float* result)
        where TBits : IConstant where TForm : IForm where TTokens : IConstant
    {
        int zeroPoint = format.ZeroPoint, codeBytes = TBits.Value * 128;
        int scaleBytes = GroupBytes * 32 / TForm.Group;
        int blockBytes = codeBytes + (TForm.HasMinimum ? 2 : 1) * scaleBytes;
        byte* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
        var factor = Vector256.Create(format.ScaleFactor);
        Vector256<float> s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default;
        Vector256<float> s30 = default, s31 = default;
        nint at = 0;
        for (byte* end = panel + (nint)blocks * blockBytes; panel < end; panel += blockBytes, at += sizeof(ActivationBlock))
        {
            for (int group = 0; group < 32 / TForm.Group; group++)
            {
                byte* info = x + at, info1 = x1 + at, info2 = x2 + at, info3 = x3 + at;
                Vector256<int> d00 = Start<TForm>(info, group, zeroPoint), d10 = default, d20 = default, d30 = default;
                if (TTokens.Value > 1) d10 = Start<TForm>(info1, group, zeroPoint);
                if (TTokens.Value > 2) d20 = Start<TForm>(info2, group, zeroPoint);
                if (TTokens.Value > 3) d30 = Start<TForm>(info3, group, zeroPoint);
                Vector256<int> d01 = d00, d11 = d10, d21 = d20, d31 = d30;
                byte* codes = panel + half * 64 + group * (codeBytes / 2);
                nint column = at + group * 16;
                for (nint endColumn = column + TForm.Group; column < endColumn; column += 8, codes += TBits.Value == 4 ? 128 : 256)
                {
                    // A byte holds two columns, k in its low nibble and k + 4 in its high one: half a group of columns is one load.
                    Vector256<byte> raw0 = Vector256.Load(codes), raw1 = Vector256.Load(codes + 32), w0 = raw0, w1 = raw1;
                    if (TBits.Value == 4)
                    {
                        w0 &= Vector256.Create((byte)15);
                        w1 &= Vector256.Create((byte)15);
                    }
                    var a = Quad(x + column);
                    d00 = TDot.Add<TBits>(d00, w0, a); d01 = TDot.Add<TBits>(d01, w1, a);
                    if (TTokens.Value > 1) { a = Quad(x1 + column); d10 = TDot.Add<TBits>(d10, w0, a); d11 = TDot.Add<TBits>(d11, w1, a); }
                    if (TTokens.Value > 2) { a = Quad(x2 + column); d20 = TDot.Add<TBits>(d20, w0, a); d21 = TDot.Add<TBits>(d21, w1, a); }
                    if (TTokens.Value > 3) { a = Quad(x3 + column); d30 = TDot.Add<TBits>(d30, w0, a); d31 = TDot.Add<TBits>(d31, w1, a); }
                    if (TBits.Value == 4)
                    {
                        w0 = (raw0.AsUInt16() >> 4).AsByte() & Vector256.Create((byte)15);
                        w1 = (raw1.AsUInt16() >> 4).AsByte() & Vector256.Create((byte)15);
                    }
                    else
                    {
                        w0 = Vector256.Load(codes + 128);
                        w1 = Vector256.Load(codes + 160);
                    }
                    a = Quad(x + column + 4);
                    d00 = TDot.Add<TBits>(d00, w0, a); d01 = TDot.Add<TBits>(d01, w1, a);
                    if (TTokens.Value > 1)
                    {
                        a = Quad(x1 + column + 4);
                        d10 = TDot.Add<TBits>(d10, w0, a);
                        d11 = TDot.Add<TBits>(d11, w1, a);
                    }
                    if (TTokens.Value > 2)
                    {
                        a = Quad(x2 + column + 4);
                        d20 = TDot.Add<TBits>(d20, w0, a);
                        d21 = TDot.Add<TBits>(d21, w1, a);
                    }
                    if (TTokens.Value > 3)
                    {
                        a = Quad(x3 + column + 4);
                        d30 = TDot.Add<TBits>(d30, w0, a);
                        d31 = TDot.Add<TBits>(d31, w1, a);
                    }
                }
                short* scales = (short*)(panel + codeBytes + group * GroupBytes) + half * 16;
                var scale0 = HalfVectors.Widen(Vector128.Load(scales), factor);
                var scale1 = HalfVectors.Widen(Vector128.Load(scales + 8), factor);
                s00 = Add(s00, d00, scale0, info); s01 = Add(s01, d01, scale1, info);
                if (TTokens.Value > 1) { s10 = Add(s10, d10, scale0, info1); s11 = Add(s11, d11, scale1, info1); }
                if (TTokens.Value > 2) { s20 = Add(s20, d20, scale0, info2); s21 = Add(s21, d21, scale1, info2); }
                if (TTokens.Value > 3) { s30 = Add(s30, d30, scale0, info3); s31 = Add(s31, d31, scale1, info3); }
                if (TForm.HasMinimum)
                {
                    scales += scaleBytes / sizeof(short);
                    var minimum0 = HalfVectors.Widen(Vector128.Load(scales), factor);
                    var minimum1 = HalfVectors.Widen(Vector128.Load(scales + 8), factor);
                    var sum = ScaledSum<TForm>(info, group);
                    s00 = Fma.MultiplyAdd(minimum0, sum, s00); s01 = Fma.MultiplyAdd(minimum1, sum, s01);
                    if (TTokens.Value > 1)
                    {
                        sum = ScaledSum<TForm>(info1, group);
                        s10 = Fma.MultiplyAdd(minimum0, sum, s10);
                        s11 = Fma.MultiplyAdd(minimum1, sum, s11);
                    }
                    if (TTokens.Value > 2)
                    {
                        sum = ScaledSum<TForm>(info2, group);
                        s20 = Fma.MultiplyAdd(minimum0, sum, s20);
                        s21 = Fma.MultiplyAdd(minimum1, sum, s21);
                    }
                    if (TTokens.Value > 3)
                    {
                        sum = ScaledSum<TForm>(info3, group);
                        s30 = Fma.MultiplyAdd(minimum0, sum, s30);
                        s31 = Fma.MultiplyAdd(minimum1, sum, s31);
                    }
                }
            }
        }
        result += half * 16;
        s00.Store(result); s01.Store(result + 8);
        if (TTokens.Value > 1) { s10.Store(result + 32); s11.Store(result + 40); }
        if (TTokens.Value > 2) { s20.Store(result + 64); s21.Store(result + 72); }
        if (TTokens.Value > 3) { s30.Store(result + 96); s31.Store(result + 104); }
    }

    /// <summary>Four columns of a token, for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Quad(byte* x) => Vector256.Create(*(int*)x).AsSByte();

    /// <summary>The accumulator's start takes the zero point off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Start<TForm>(byte* info, int group, int zeroPoint) where TForm : IForm =>
        TForm.HasMinimum ? default
            : Vector256.Create(
            -zeroPoint * (TForm.Group == 32 ? ((ActivationBlock*)info)->Sum : ((ActivationBlock*)info)->HalfSums[group]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(Vector256<float> sum, Vector256<int> dot, Vector256<float> scale, byte* info) =>
        Fma.MultiplyAdd(Avx.ConvertToVector256Single(dot) * Vector256.Create(((ActivationBlock*)info)->Scale), scale, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ScaledSum<TForm>(byte* info, int group) where TForm : IForm =>
        Vector256.Create(TForm.Group == 32 ? ((ActivationBlock*)info)->ScaledSum : ((ActivationBlock*)info)->ScaledHalfSums[group]);
}
