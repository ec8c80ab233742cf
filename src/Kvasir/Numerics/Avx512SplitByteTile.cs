using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>
/// 8-bit codes without the dot products of AVX-VNNI: 512-bit vectors of low and of high nibbles, 16 rows a vector, whose sums count 1 and
/// 16. A group of columns is split into registers once and meets up to 8 tokens there. Sums in int16 do not overflow, as in
/// <see cref="Avx512PairDot"/>.
/// </summary>
internal static unsafe class Avx512SplitByteTile
{
    private const int CodeBytes = 1024, GroupBytes = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TForm, TTokens>(
        in PackedFormat format, byte* panel, int half, int blocks, byte* x, nint stride, float* result)
        where TForm : IForm where TTokens : IConstant
    {
        int zeroPoint = format.ZeroPoint, scaleBytes = GroupBytes * 32 / TForm.Group;
        int blockBytes = CodeBytes + (TForm.HasMinimum ? 2 : 1) * scaleBytes;
        var factor = Vector512.Create(format.ScaleFactor);
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        byte* codes = panel + half * 64, scales = panel + CodeBytes + half * 32;
        for (int block = 0; block < blocks; block++, codes += blockBytes, scales += blockBytes, x += sizeof(ActivationBlock))
        {
            for (int group = 0; group < 32 / TForm.Group; group++)
            {
                byte* source = codes + group * (CodeBytes / 2);
                Vectors512.SplitNibbles(source, out Vector512<byte> w0, out Vector512<byte> w1);
                Vectors512.SplitNibbles(source + 128, out Vector512<byte> w2, out Vector512<byte> w3);
                Vectors512.SplitNibbles(source + 256, out Vector512<byte> w4, out Vector512<byte> w5);
                Vectors512.SplitNibbles(source + 384, out Vector512<byte> w6, out Vector512<byte> w7);
                Vector512<byte> w8 = default, w9 = default, w10 = default, w11 = default;
                Vector512<byte> w12 = default, w13 = default, w14 = default, w15 = default;
                if (TForm.Group == 32)
                {
                    Vectors512.SplitNibbles(source + 512, out w8, out w9);
                    Vectors512.SplitNibbles(source + 640, out w10, out w11);
                    Vectors512.SplitNibbles(source + 768, out w12, out w13);
                    Vectors512.SplitNibbles(source + 896, out w14, out w15);
                }
                var scale = HalfVectors.Widen(Vector256.Load((short*)(scales + group * GroupBytes)), factor);
                var minimum = TForm.HasMinimum
                    ? HalfVectors.Widen(Vector256.Load((short*)(scales + group * GroupBytes + scaleBytes)), factor) : default;
                byte* t = x;
                s0 = Add<TForm>(s0, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale,
                    minimum);
                if (TTokens.Value > 1)
                {
                    t += stride;
                    s1 = Add<TForm>(s1, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale,
                        minimum);
                }
                if (TTokens.Value > 2)
                {
                    t += stride;
                    s2 = Add<TForm>(s2, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale,
                        minimum);
                }
                if (TTokens.Value > 3)
                {
                    t += stride;
                    s3 = Add<TForm>(s3, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale,
                        minimum);
                }
                if (TTokens.Value > 4)
                {
                    t += stride;
                    s4 = Add<TForm>(s4, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale,
                        minimum);
                }
                if (TTokens.Value > 5)
                {
                    t += stride;
                    s5 = Add<TForm>(s5, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale,
                        minimum);
                }
                if (TTokens.Value > 6)
                {
                    t += stride;
                    s6 = Add<TForm>(s6, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale,
                        minimum);
                }
                if (TTokens.Value > 7)
                {
                    t += stride;
                    s7 = Add<TForm>(s7, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, t, group, zeroPoint, scale,
                        minimum);
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
    }

    /// <summary>
    /// sum + scale * (codes . x) + minimum * (sum of x), over one group of one token; added in the order of
    /// <see cref="Vector256Kernel{TDot}"/>, so that no bit depends on how many tokens there are.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TForm>(
        Vector512<float> sum, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, Vector512<byte> w4,
            Vector512<byte> w5, Vector512<byte> w6, Vector512<byte> w7,
        Vector512<byte> w8, Vector512<byte> w9, Vector512<byte> w10, Vector512<byte> w11, Vector512<byte> w12, Vector512<byte> w13,
            Vector512<byte> w14, Vector512<byte> w15,
        byte* token, int group, int zeroPoint, Vector512<float> scale, Vector512<float> minimum) where TForm : IForm
    {
        var x = (ActivationBlock*)token;
        byte* quads = token + group * 16;
        var low = Dot(w0, quads) + Dot(w2, quads + 4) + Dot(w4, quads + 8) + Dot(w6, quads + 12);
        var high = Dot(w1, quads) + Dot(w3, quads + 4) + Dot(w5, quads + 8) + Dot(w7, quads + 12);
        if (TForm.Group == 32)
        {
            low += Dot(w8, quads + 16) + Dot(w10, quads + 20) + Dot(w12, quads + 24) + Dot(w14, quads + 28);
            high += Dot(w9, quads + 16) + Dot(w11, quads + 20) + Dot(w13, quads + 24) + Dot(w15, quads + 28);
        }
        // A code is its low nibble and 16 times its high one.
        var wide = Widen(low, 1) + Widen(high, 16);
        if (!TForm.HasMinimum) wide -= Vector512.Create(zeroPoint * (TForm.Group == 32 ? x->Sum : x->HalfSums[group]));
        sum = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(wide) * Vector512.Create(x->Scale), scale, sum);
        return TForm.HasMinimum
            ? Avx512F.FusedMultiplyAdd(minimum, Vector512.Create(TForm.Group == 32 ? x->ScaledSum : x->ScaledHalfSums[group]), sum) : sum;
    }

    /// <summary>Products of four columns of all rows with those of a token, summed in pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Dot(Vector512<byte> codes, byte* quad) =>
        Avx512BW.MultiplyAddAdjacent(codes, Vectors512.Quad(quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(Vector512<short> sums, short weight) =>
        Avx512BW.MultiplyAddAdjacent(sums, Vector512.Create(weight));
}
