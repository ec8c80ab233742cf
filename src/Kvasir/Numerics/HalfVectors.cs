using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>
/// f16 to f32 without the F16C instructions, which .NET does not offer: the bits are moved to their places in a float
/// whose exponent is then too small by 112, and one multiplication mends that, for normals and subnormals alike.
/// Subnormal floats cost some hundred cycles, so packed matrices store halves times 2^<see cref="Shift"/>, which are all normal or zero
/// (<see cref="ShiftUp(ref ushort)"/>), and the multiplication takes that back. Infinities and NaN become large finite numbers.
/// </summary>
internal static unsafe class HalfVectors
{
    /// <summary>Lifts the smallest subnormal half (2^-24) to the smallest normal one (2^-14).</summary>
    public const int Shift = 10;

    /// <summary>The sign, exponent and mantissa of a sign-extended half shifted up by 13; between them stand copies of the sign.</summary>
    private const int Kept = unchecked((int)0x8FFFE000);

    /// <summary>The factor of <c>Widen</c> for halves stored times 2^<paramref name="shift"/>.</summary>
    public static float Factor(int shift) => BitConverter.Int32BitsToSingle((127 + 112 - shift) << 23);

    /// <summary>As <see cref="ShiftUp(ref ushort)"/>, of four at once; false where one would overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ShiftUp(ref ulong halves)
    {
        const ulong Each = 0x0001000100010001, Exponents = 0x7C00 * Each, Signs = 0x8000 * Each, Others = ~Signs;
        ulong exponents = halves & Exponents; // what is added to them below carries into the sign's place, never beyond
        if ((exponents + (ulong)(Shift + 1 << 10) * Each & Signs) != 0) return false;
        ulong normal = exponents + Exponents & Signs, notZero = (halves & Others) + Others & Signs;
        halves = normal == notZero ? halves + (normal >> 15) * (Shift << 10) : ShiftEach(halves);
        return true;
    }

    private static ulong ShiftEach(ulong halves)
    {
        ulong shifted = 0;
        for (int i = 0; i < 4; i++)
        {
            ushort half = (ushort)(halves >> 16 * i);
            ShiftUp(ref half);
            shifted |= (ulong)half << 16 * i;
        }
        return shifted;
    }

    /// <summary>The half times 2^<see cref="Shift"/>, exactly; false where it would overflow.</summary>
    public static bool ShiftUp(ref ushort half)
    {
        int exponent = half >> 10 & 31;
        if (exponent >= 31 - Shift) return false;
        if (exponent != 0) half += Shift << 10;
        else if ((half & 0x3FF) != 0)
            half = BitConverter.HalfToUInt16Bits((Half)((float)BitConverter.UInt16BitsToHalf(half) * (1 << Shift)));
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(Vector256<short> halves, Vector512<float> factor) =>
        ((Vector512.WidenLower(halves.ToVector512Unsafe()) << 13) & Vector512.Create(Kept)).AsSingle() * factor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector128<short> halves, Vector256<float> factor) =>
        ((Vector256.WidenLower(halves.ToVector256Unsafe()) << 13) & Vector256.Create(Kept)).AsSingle() * factor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Widen(Vector64<short> halves, Vector128<float> factor) =>
        ((Vector128.WidenLower(halves.ToVector128Unsafe()) << 13) & Vector128.Create(Kept)).AsSingle() * factor;
}
