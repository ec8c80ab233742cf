using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>
/// 8-bit codes: 256-bit dot products (the widest that .NET offers), joined to 512 bits for the float part.
/// A group of columns of 16 rows is held in registers and meets 8 tokens there.
/// </summary>
internal static unsafe class Avx512ByteTile
{
    private const int CodeBytes = 1024, GroupBytes = 64;

    public const int Tokens = 8;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TForm>(
        in PackedFormat format, byte* panel, int half, int blocks, byte* x, nint stride, float* result) where TForm : IForm
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
                Vector256<byte> v0 = Vector256.Load(source + 0), w0 = Vector256.Load(source + 32);
                Vector256<byte> v1 = Vector256.Load(source + 128), w1 = Vector256.Load(source + 160);
                Vector256<byte> v2 = Vector256.Load(source + 256), w2 = Vector256.Load(source + 288);
                Vector256<byte> v3 = Vector256.Load(source + 384), w3 = Vector256.Load(source + 416);
                Vector256<byte> v4 = default, w4 = default, v5 = default, w5 = default, v6 = default, w6 = default, v7 = default,
                    w7 = default;
                if (TForm.Group == 32)
                {
                    v4 = Vector256.Load(source + 512); w4 = Vector256.Load(source + 544);
                    v5 = Vector256.Load(source + 640); w5 = Vector256.Load(source + 672);
                    v6 = Vector256.Load(source + 768); w6 = Vector256.Load(source + 800);
                    v7 = Vector256.Load(source + 896); w7 = Vector256.Load(source + 928);
                }
                var scale = HalfVectors.Widen(Vector256.Load((short*)(scales + group * GroupBytes)), factor);
                var minimum = TForm.HasMinimum
                    ? HalfVectors.Widen(Vector256.Load((short*)(scales + group * GroupBytes + scaleBytes)), factor) : default;
                byte* t = x;
                s0 = Add<TForm>(s0, v0, w0, v1, w1, v2, w2, v3, w3, v4, w4, v5, w5, v6, w6, v7, w7, t, group, zeroPoint, scale, minimum);
                t += stride;
                s1 = Add<TForm>(s1, v0, w0, v1, w1, v2, w2, v3, w3, v4, w4, v5, w5, v6, w6, v7, w7, t, group, zeroPoint, scale, minimum);
                t += stride;
                s2 = Add<TForm>(s2, v0, w0, v1, w1, v2, w2, v3, w3, v4, w4, v5, w5, v6, w6, v7, w7, t, group, zeroPoint, scale, minimum);
                t += stride;
                s3 = Add<TForm>(s3, v0, w0, v1, w1, v2, w2, v3, w3, v4, w4, v5, w5, v6, w6, v7, w7, t, group, zeroPoint, scale, minimum);
                t += stride;
                s4 = Add<TForm>(s4, v0, w0, v1, w1, v2, w2, v3, w3, v4, w4, v5, w5, v6, w6, v7, w7, t, group, zeroPoint, scale, minimum);
                t += stride;
                s5 = Add<TForm>(s5, v0, w0, v1, w1, v2, w2, v3, w3, v4, w4, v5, w5, v6, w6, v7, w7, t, group, zeroPoint, scale, minimum);
                t += stride;
                s6 = Add<TForm>(s6, v0, w0, v1, w1, v2, w2, v3, w3, v4, w4, v5, w5, v6, w6, v7, w7, t, group, zeroPoint, scale, minimum);
                t += stride;
                s7 = Add<TForm>(s7, v0, w0, v1, w1, v2, w2, v3, w3, v4, w4, v5, w5, v6, w6, v7, w7, t, group, zeroPoint, scale, minimum);
            }
        }
        result += half * 16;
        s0.Store(result);
        s1.Store(result + 32);
        s2.Store(result + 64);
        s3.Store(result + 96);
        s4.Store(result + 128);
        s5.Store(result + 160);
        s6.Store(result + 192);
        s7.Store(result + 224);
    }

    /// <summary>
    /// sum + scale * (codes . x) + minimum * (sum of x), over one group of one token; in the same order as
    /// <see cref="Avx512Tile{TBits, TDot}"/>. The codes are registers, and so parameters: in a struct of more than four fields they would
    /// be memory.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TForm>(
        Vector512<float> sum, Vector256<byte> v0, Vector256<byte> w0, Vector256<byte> v1, Vector256<byte> w1, Vector256<byte> v2,
            Vector256<byte> w2, Vector256<byte> v3, Vector256<byte> w3,
        Vector256<byte> v4, Vector256<byte> w4, Vector256<byte> v5, Vector256<byte> w5, Vector256<byte> v6, Vector256<byte> w6,
            Vector256<byte> v7, Vector256<byte> w7,
        byte* token, int group, int zeroPoint, Vector512<float> scale, Vector512<float> minimum) where TForm : IForm
    {
        var x = (ActivationBlock*)token;
        byte* quads = token + group * 16;
        var start = TForm.HasMinimum ? default : Vector256.Create(-zeroPoint * (TForm.Group == 32 ? x->Sum : x->HalfSums[group]));
        var a = Quad(quads);
        // Two chains for each half of the rows: a dot product takes five cycles, two begin in each.
        Vector256<int> d = AvxVnni.MultiplyWideningAndAdd(start, v0, a), e = AvxVnni.MultiplyWideningAndAdd(start, w0, a);
        a = Quad(quads + 4);
        Vector256<int> d2 = AvxVnni.MultiplyWideningAndAdd(default, v1, a), e2 = AvxVnni.MultiplyWideningAndAdd(default, w1, a);
        a = Quad(quads + 8);
        d = AvxVnni.MultiplyWideningAndAdd(d, v2, a);
        e = AvxVnni.MultiplyWideningAndAdd(e, w2, a);
        a = Quad(quads + 12);
        d2 = AvxVnni.MultiplyWideningAndAdd(d2, v3, a);
        e2 = AvxVnni.MultiplyWideningAndAdd(e2, w3, a);
        if (TForm.Group == 32)
        {
            a = Quad(quads + 16);
            d = AvxVnni.MultiplyWideningAndAdd(d, v4, a);
            e = AvxVnni.MultiplyWideningAndAdd(e, w4, a);
            a = Quad(quads + 20);
            d2 = AvxVnni.MultiplyWideningAndAdd(d2, v5, a);
            e2 = AvxVnni.MultiplyWideningAndAdd(e2, w5, a);
            a = Quad(quads + 24);
            d = AvxVnni.MultiplyWideningAndAdd(d, v6, a);
            e = AvxVnni.MultiplyWideningAndAdd(e, w6, a);
            a = Quad(quads + 28);
            d2 = AvxVnni.MultiplyWideningAndAdd(d2, v7, a);
            e2 = AvxVnni.MultiplyWideningAndAdd(e2, w7, a);
        }
        sum = Avx512F.FusedMultiplyAdd(
            Avx512F.ConvertToVector512Single(Vector512.Create(d + d2, e + e2)) * Vector512.Create(x->Scale), scale, sum);
        return TForm.HasMinimum
            ? Avx512F.FusedMultiplyAdd(minimum, Vector512.Create(TForm.Group == 32 ? x->ScaledSum : x->ScaledHalfSums[group]), sum) : sum;
    }

    /// <summary>Four columns of a token, for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Quad(byte* x) => Vector256.Create(*(int*)x).AsSByte();
}
