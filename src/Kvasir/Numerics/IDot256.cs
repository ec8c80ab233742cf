using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>The exact dot product of four u8 codes (of the given bits) and four s8 activations, in each of eight int32 lanes.</summary>
internal interface IDot256
{
    /// <summary>Whether 8-bit codes cost no more than those of 4 bits.</summary>
    public static abstract bool IsOneInstruction { get; }

    public static abstract Vector256<int> Add<TBits>(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> x) where TBits : IConstant;
}

internal readonly struct AvxVnniDot : IDot256
{
    public static bool IsOneInstruction => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add<TBits>(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> x) where TBits : IConstant =>
        AvxVnni.MultiplyWideningAndAdd(sum, codes, x);
}

/// <summary>
/// The u8 x s8 multiply-add of AVX2 saturates its pair sums at int16: never with codes of 4 bits, but with 8.
/// Those are multiplied as int16, even and odd columns apart.
/// </summary>
internal readonly struct Avx2Dot : IDot256
{
    public static bool IsOneInstruction => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add<TBits>(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> x) where TBits : IConstant
    {
        if (TBits.Value == 4) return sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, x), Vector256.Create((short)1));
        var even = Avx2.MultiplyAddAdjacent((codes.AsInt16() & Vector256.Create((short)255)), (x.AsInt16() << 8) >> 8);
        return sum + even + Avx2.MultiplyAddAdjacent((codes.AsUInt16() >> 8).AsInt16(), x.AsInt16() >> 8);
    }
}

#if NET11_0_OR_GREATER
/// <summary>
/// The lower half of AVX512-VNNI's dot product, for CPUs that have no form of 256 bits that .NET knows: one instruction, where AVX2 takes
/// three for codes of 4 bits and eight for those of 8.
/// </summary>
internal readonly struct LowerHalfDot : IDot256
{
    public static bool IsOneInstruction => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add<TBits>(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> x) where TBits : IConstant =>
        AvxVnni.V512.MultiplyWideningAndAdd(sum.ToVector512Unsafe(), codes.ToVector512Unsafe(), x.ToVector512Unsafe()).GetLower();
}
#endif
