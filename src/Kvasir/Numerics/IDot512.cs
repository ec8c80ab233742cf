using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>The exact dot products of a group of u8 codes and s8 activations, in each of sixteen int32 lanes.</summary>
internal unsafe interface IDot512
{
    /// <summary>
    /// start + sum over i of w[i] . (the four columns at quads + 4 i), for the eight vectors of a group of 32 columns, or the first four of
    /// one of 16. They are registers, and so parameters: in a struct of more than four fields they would be memory.
    /// </summary>
    public static abstract Vector512<int> Sum<TForm>(
        Vector512<int> start, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, Vector512<byte> w4,
        Vector512<byte> w5, Vector512<byte> w6, Vector512<byte> w7, byte* quads) where TForm : IForm;
}

/// <summary>
/// AVX-512 BW, for codes of 4 bits: u8 x s8 pairs are summed in int16. A pair is at most 2 * 15 * 127 = 3810 and a group adds at most 8 of
/// them, so that neither the saturating multiply-add nor the sum overflows; one more multiply-add by ones per group widens to int32.
/// </summary>
internal readonly unsafe struct Avx512PairDot : IDot512
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sum<TForm>(
        Vector512<int> start, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, Vector512<byte> w4,
        Vector512<byte> w5, Vector512<byte> w6, Vector512<byte> w7, byte* quads) where TForm : IForm
    {
        var dot = Avx512BW.MultiplyAddAdjacent(w0, Vectors512.Quad(quads));
        var dot2 = Avx512BW.MultiplyAddAdjacent(w2, Vectors512.Quad(quads + 8));
        dot += Avx512BW.MultiplyAddAdjacent(w1, Vectors512.Quad(quads + 4));
        dot2 += Avx512BW.MultiplyAddAdjacent(w3, Vectors512.Quad(quads + 12));
        if (TForm.Group == 32)
        {
            dot += Avx512BW.MultiplyAddAdjacent(w4, Vectors512.Quad(quads + 16));
            dot2 += Avx512BW.MultiplyAddAdjacent(w5, Vectors512.Quad(quads + 20));
            dot += Avx512BW.MultiplyAddAdjacent(w6, Vectors512.Quad(quads + 24));
            dot2 += Avx512BW.MultiplyAddAdjacent(w7, Vectors512.Quad(quads + 28));
        }
        // Two sums of 16 bits a row become one of 32.
        var wide = Avx512BW.MultiplyAddAdjacent(dot + dot2, Vector512.Create((short)1));
        return TForm.HasMinimum ? wide : wide + start;
    }
}

#if NET11_0_OR_GREATER
/// <summary>AVX512-VNNI, which .NET has from version 11 on, for codes of any size.</summary>
internal readonly unsafe struct Avx512VnniDot : IDot512
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sum<TForm>(
        Vector512<int> start, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, Vector512<byte> w4,
        Vector512<byte> w5, Vector512<byte> w6, Vector512<byte> w7, byte* quads) where TForm : IForm
    {
        // Two chains: a dot product takes five cycles, two begin in each.
        var dot = AvxVnni.V512.MultiplyWideningAndAdd(start, w0, Vectors512.Quad(quads));
        var dot2 = AvxVnni.V512.MultiplyWideningAndAdd(Vector512<int>.Zero, w1, Vectors512.Quad(quads + 4));
        dot = AvxVnni.V512.MultiplyWideningAndAdd(dot, w2, Vectors512.Quad(quads + 8));
        dot2 = AvxVnni.V512.MultiplyWideningAndAdd(dot2, w3, Vectors512.Quad(quads + 12));
        if (TForm.Group == 32)
        {
            dot = AvxVnni.V512.MultiplyWideningAndAdd(dot, w4, Vectors512.Quad(quads + 16));
            dot2 = AvxVnni.V512.MultiplyWideningAndAdd(dot2, w5, Vectors512.Quad(quads + 20));
            dot = AvxVnni.V512.MultiplyWideningAndAdd(dot, w6, Vectors512.Quad(quads + 24));
            dot2 = AvxVnni.V512.MultiplyWideningAndAdd(dot2, w7, Vectors512.Quad(quads + 28));
        }
        return dot + dot2;
    }
}
#endif
