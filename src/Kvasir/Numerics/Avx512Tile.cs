using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>
/// 512-bit vectors: 16 rows a vector. A group of columns is held in registers, as it is or unpacked from 4 bits, and meets up to 16 tokens
/// there, whose float sums stay in registers too: the JIT needs 30 of the 32.
/// </summary>
/// <typeparam name="TBits">Bits of a code.</typeparam>
/// <typeparam name="TDot">The integer part of the products.</typeparam>
internal static unsafe class Avx512Tile<TBits, TDot> where TBits : IConstant where TDot : IDot512
{
    private const int GroupBytes = 64;

    public const int MaxTokens = 16;

    /// <summary>A panel's products with 2, 4, 8 or 16 tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in PackedFormat format, byte* panel, int blocks, byte* x, nint stride, int tokens, float* result)
    {
        if (format.HasMinimum && format.Group == 32) Halves<Minimum32>(format, panel, blocks, x, stride, tokens, result);
        else if (format.HasMinimum) Halves<Minimum16>(format, panel, blocks, x, stride, tokens, result);
        else if (format.Group == 32) Halves<Zero32>(format, panel, blocks, x, stride, tokens, result);
        else Halves<Zero16>(format, panel, blocks, x, stride, tokens, result);
    }

    private static void Halves<TForm>(
        in PackedFormat format, byte* panel, int blocks, byte* x, nint stride, int tokens, float* result) where TForm : IForm
    {
        for (int half = 0; half < 2; half++)
        {
            if (tokens == 16) Half<TForm, C16>(format, panel, half, blocks, x, stride, result);
            else if (tokens == 8) Half<TForm, C8>(format, panel, half, blocks, x, stride, result);
            else if (tokens == 4) Half<TForm, C4>(format, panel, half, blocks, x, stride, result);
            else Half<TForm, C2>(format, panel, half, blocks, x, stride, result);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Half<TForm, TTokens>(
        in PackedFormat format, byte* panel, int half, int blocks, byte* x, nint stride, float* result)
        where TForm : IForm where TTokens : IConstant
    {
        int codeBytes = TBits.Value * 128, zeroPoint = format.ZeroPoint, scaleBytes = GroupBytes * 32 / TForm.Group;
        int blockBytes = codeBytes + (TForm.HasMinimum ? 2 : 1) * scaleBytes;
        var factor = Vector512.Create(format.ScaleFactor);
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        Vector512<float> s8 = default, s9 = default, s10 = default, s11 = default, s12 = default, s13 = default, s14 = default,
            s15 = default;
        byte* codes = panel + half * 64, scales = panel + codeBytes + half * 32;
        for (int block = 0; block < blocks; block++, codes += blockBytes, scales += blockBytes, x += sizeof(ActivationBlock))
        {
            for (int group = 0; group < 32 / TForm.Group; group++)
            {
                byte* source = codes + group * (codeBytes / 2);
                Vector512<byte> w0, w1, w2, w3, w4 = default, w5 = default, w6 = default, w7 = default;
                if (TBits.Value == 4)
                {
                    // Even vectors get the columns of the low nibbles, odd ones those of the high nibbles: four columns of 16 rows each.
                    Vectors512.SplitNibbles(source, out w0, out w1);
                    Vectors512.SplitNibbles(source + 128, out w2, out w3);
                    if (TForm.Group == 32)
                    {
                        Vectors512.SplitNibbles(source + 256, out w4, out w5);
                        Vectors512.SplitNibbles(source + 384, out w6, out w7);
                    }
                }
                else
                {
                    w0 = Vector512.Load(source); w1 = Vector512.Load(source + 128);
                    w2 = Vector512.Load(source + 256); w3 = Vector512.Load(source + 384);
                    if (TForm.Group == 32)
                    {
                        w4 = Vector512.Load(source + 512); w5 = Vector512.Load(source + 640);
                        w6 = Vector512.Load(source + 768); w7 = Vector512.Load(source + 896);
                    }
                }
                var scale = HalfVectors.Widen(Vector256.Load((short*)(scales + group * GroupBytes)), factor);
                var minimum = TForm.HasMinimum
                    ? HalfVectors.Widen(Vector256.Load((short*)(scales + group * GroupBytes + scaleBytes)), factor) : default;
                // The codes stay where they are; token after token passes by.
                byte* t = x;
                s0 = Add<TForm>(s0, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                if (TTokens.Value > 1)
                {
                    t += stride;
                    s1 = Add<TForm>(s1, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 2)
                {
                    t += stride;
                    s2 = Add<TForm>(s2, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 3)
                {
                    t += stride;
                    s3 = Add<TForm>(s3, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 4)
                {
                    t += stride;
                    s4 = Add<TForm>(s4, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 5)
                {
                    t += stride;
                    s5 = Add<TForm>(s5, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 6)
                {
                    t += stride;
                    s6 = Add<TForm>(s6, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 7)
                {
                    t += stride;
                    s7 = Add<TForm>(s7, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 8)
                {
                    t += stride;
                    s8 = Add<TForm>(s8, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 9)
                {
                    t += stride;
                    s9 = Add<TForm>(s9, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 10)
                {
                    t += stride;
                    s10 = Add<TForm>(s10, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 11)
                {
                    t += stride;
                    s11 = Add<TForm>(s11, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 12)
                {
                    t += stride;
                    s12 = Add<TForm>(s12, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 13)
                {
                    t += stride;
                    s13 = Add<TForm>(s13, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 14)
                {
                    t += stride;
                    s14 = Add<TForm>(s14, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
                if (TTokens.Value > 15)
                {
                    t += stride;
                    s15 = Add<TForm>(s15, w0, w1, w2, w3, w4, w5, w6, w7, t, group, zeroPoint, scale, minimum);
                }
            }
        }
        result += half * 16;
        s0.Store(result);
        if (TTokens.Value > 1) s1.Store(result + 32);
        if (TTokens.Value > 2) s2.Store(result + 64);
        if (TTokens.Value > 3) s3.Store(result + 96);
        if (TTokens.Value > 4) s4.Store(result + 128);
        if (TTokens.Value > 5) s5.Store(result + 160);
        if (TTokens.Value > 6) s6.Store(result + 192);
        if (TTokens.Value > 7) s7.Store(result + 224);
        if (TTokens.Value > 8) s8.Store(result + 256);
        if (TTokens.Value > 9) s9.Store(result + 288);
        if (TTokens.Value > 10) s10.Store(result + 320);
        if (TTokens.Value > 11) s11.Store(result + 352);
        if (TTokens.Value > 12) s12.Store(result + 384);
        if (TTokens.Value > 13) s13.Store(result + 416);
        if (TTokens.Value > 14) s14.Store(result + 448);
        if (TTokens.Value > 15) s15.Store(result + 480);
    }

    /// <summary>
    /// sum + scale * (codes . x) + minimum * (sum of x), over one group of one token; added in the order of
    /// <see cref="Vector256Kernel{TDot}"/>, so that no bit depends on how many tokens there are.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TForm>(
        Vector512<float> sum, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, Vector512<byte> w4,
            Vector512<byte> w5, Vector512<byte> w6, Vector512<byte> w7,
        byte* token, int group, int zeroPoint, Vector512<float> scale, Vector512<float> minimum) where TForm : IForm
    {
        var x = (ActivationBlock*)token;
        byte* quads = token + group * 16;
        var start = TForm.HasMinimum ? default : Vector512.Create(-zeroPoint * (TForm.Group == 32 ? x->Sum : x->HalfSums[group]));
        var dot = TDot.Sum<TForm>(start, w0, w1, w2, w3, w4, w5, w6, w7, quads);
        sum = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(dot) * Vector512.Create(x->Scale), scale, sum);
        return TForm.HasMinimum
            ? Avx512F.FusedMultiplyAdd(minimum, Vector512.Create(TForm.Group == 32 ? x->ScaledSum : x->ScaledHalfSums[group]), sum) : sum;
    }
}
