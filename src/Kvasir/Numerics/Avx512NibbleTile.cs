using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>
/// Codes as nibbles in 512-bit vectors, 16 rows a vector: a line of codes is two vectors, of 4-bit codes the low and high nibbles that are columns of their own, of 8-bit codes
/// the low and high nibbles of the same columns, whose sums count 1 and 16. A group of columns is unpacked into registers once and meets up to 16 tokens there (8 with 8-bit codes),
/// whose float sums stay in registers too: the JIT needs 30 of the 32.
/// u8 x s8 pairs are summed in int16: a pair is at most 2 * 15 * 127 = 3810 and a group adds at most 8 of them, so that neither
/// the saturating multiply-add nor the sum overflows; one more multiply-add per group widens to int32.
/// </summary>
internal static unsafe class Avx512NibbleTile
{
    private const int GroupBytes = 64;

    public static int MaxTokens(int bits) => bits == 4 ? 16 : 8;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TBits, TForm, TTokens>(in PackedFormat format, byte* panel, int half, int blocks, byte* x, nint stride, float* result)
        where TBits : IConstant where TForm : IForm where TTokens : IConstant
    {
        int zeroPoint = format.ZeroPoint, codeBytes = TBits.Value * 128, scaleBytes = GroupBytes * 32 / TForm.Group;
        int blockBytes = codeBytes + (TForm.HasMinimum ? 2 : 1) * scaleBytes;
        var factor = Vector512.Create(format.ScaleFactor);
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        Vector512<float> s8 = default, s9 = default, s10 = default, s11 = default, s12 = default, s13 = default, s14 = default, s15 = default;
        byte* codes = panel + half * 64, scales = panel + codeBytes + half * 32;
        for (int block = 0; block < blocks; block++, codes += blockBytes, scales += blockBytes, x += sizeof(ActivationBlock))
        {
            for (int group = 0; group < 32 / TForm.Group; group++)
            {
                byte* source = codes + group * (codeBytes / 2);
                Split(source, out Vector512<byte> w0, out Vector512<byte> w1);
                Split(source + 128, out Vector512<byte> w2, out Vector512<byte> w3);
                Vector512<byte> w4 = default, w5 = default, w6 = default, w7 = default, w8 = default, w9 = default, w10 = default, w11 = default;
                Vector512<byte> w12 = default, w13 = default, w14 = default, w15 = default;
                if (TBits.Value == 8 || TForm.Group == 32)
                {
                    Split(source + 256, out w4, out w5);
                    Split(source + 384, out w6, out w7);
                }
                if (TBits.Value == 8 && TForm.Group == 32)
                {
                    Split(source + 512, out w8, out w9);
                    Split(source + 640, out w10, out w11);
                    Split(source + 768, out w12, out w13);
                    Split(source + 896, out w14, out w15);
                }
                var scale = HalfVectors.Widen(Vector256.Load((short*)(scales + group * GroupBytes)), factor);
                var minimum = TForm.HasMinimum ? HalfVectors.Widen(Vector256.Load((short*)(scales + group * GroupBytes + scaleBytes)), factor) : default;
                byte* t = x;
                s0 = Add<TBits, TForm>(s0, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum);
                if (TTokens.Value > 1) { t += stride; s1 = Add<TBits, TForm>(s1, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 2) { t += stride; s2 = Add<TBits, TForm>(s2, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 3) { t += stride; s3 = Add<TBits, TForm>(s3, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 4) { t += stride; s4 = Add<TBits, TForm>(s4, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 5) { t += stride; s5 = Add<TBits, TForm>(s5, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 6) { t += stride; s6 = Add<TBits, TForm>(s6, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 7) { t += stride; s7 = Add<TBits, TForm>(s7, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 8) { t += stride; s8 = Add<TBits, TForm>(s8, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 9) { t += stride; s9 = Add<TBits, TForm>(s9, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 10) { t += stride; s10 = Add<TBits, TForm>(s10, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 11) { t += stride; s11 = Add<TBits, TForm>(s11, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 12) { t += stride; s12 = Add<TBits, TForm>(s12, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 13) { t += stride; s13 = Add<TBits, TForm>(s13, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 14) { t += stride; s14 = Add<TBits, TForm>(s14, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
                if (TTokens.Value > 15) { t += stride; s15 = Add<TBits, TForm>(s15, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale, minimum); }
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

    /// <summary>sum + scale * (codes . x) + minimum * (sum of x), over one group of one token; added in the order of <see cref="Vector256Kernel{TDot}"/>, so that no bit depends on how many tokens there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TBits, TForm>(
        Vector512<float> sum, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, Vector512<byte> w4, Vector512<byte> w5, Vector512<byte> w6, Vector512<byte> w7,
        Vector512<byte> w8, Vector512<byte> w9, Vector512<byte> w10, Vector512<byte> w11, Vector512<byte> w12, Vector512<byte> w13, Vector512<byte> w14, Vector512<byte> w15,
        byte* token, int group, int zeroPoint, Vector512<float> scale, Vector512<float> minimum) where TBits : IConstant where TForm : IForm
    {
        var x = (ActivationBlock*)token;
        byte* quads = token + group * 16;
        // Columns from line to line, and from its low nibbles to its high ones.
        int step = TBits.Value == 4 ? 8 : 4, high = TBits.Value == 4 ? 4 : 0;
        var even = Dot(w0, quads) + Dot(w2, quads + step);
        var odd = Dot(w1, quads + high) + Dot(w3, quads + step + high);
        if (TBits.Value == 8 || TForm.Group == 32)
        {
            even += Dot(w4, quads + 2 * step);
            odd += Dot(w5, quads + 2 * step + high);
            even += Dot(w6, quads + 3 * step);
            odd += Dot(w7, quads + 3 * step + high);
        }
        if (TBits.Value == 8 && TForm.Group == 32)
        {
            even += Dot(w8, quads + 16);
            odd += Dot(w9, quads + 16);
            even += Dot(w10, quads + 20);
            odd += Dot(w11, quads + 20);
            even += Dot(w12, quads + 24);
            odd += Dot(w13, quads + 24);
            even += Dot(w14, quads + 28);
            odd += Dot(w15, quads + 28);
        }
        var wide = TBits.Value == 4 ? Widen(even + odd, 1) : Widen(even, 1) + Widen(odd, 16);
        if (!TForm.HasMinimum) wide -= Vector512.Create(zeroPoint * (TForm.Group == 32 ? x->Sum : x->HalfSums[group]));
        sum = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(wide) * Vector512.Create(x->Scale), scale, sum);
        return TForm.HasMinimum ? Avx512F.FusedMultiplyAdd(minimum, Vector512.Create(TForm.Group == 32 ? x->ScaledSum : x->ScaledHalfSums[group]), sum) : sum;
    }

    /// <summary>The low and the high nibbles of a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(byte* line, out Vector512<byte> low, out Vector512<byte> high)
    {
        Vector512<byte> mask = Vector512.Create((byte)15), both = Vector512.Load(line);
        high = (both.AsUInt16() >> 4).AsByte() & mask;
        low = both & mask;
    }

    /// <summary>Products of four columns of all rows with those of a token, summed in pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Dot(Vector512<byte> codes, byte* quad) => Avx512BW.MultiplyAddAdjacent(codes, Vector512.Create(*(int*)quad).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(Vector512<short> sums, short weight) => Avx512BW.MultiplyAddAdjacent(sums, Vector512.Create(weight));
}
