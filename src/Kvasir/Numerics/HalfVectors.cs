using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>
/// f16 to f32 without the F16C instructions, which .NET does not offer: the bits are moved to their places in a float
/// whose exponent is then too small by 112, and one multiplication mends that, for normals and subnormals alike.
/// Infinities and NaN become large finite numbers.
/// </summary>
internal static unsafe class HalfVectors
{
    private const int Kept = unchecked((int)0x8FFFE000);
    private const float Rebias = 5.192296858534828e33f; // 2^112

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(Vector256<short> halves) =>
        ((Vector512.WidenLower(halves.ToVector512Unsafe()) << 13) & Vector512.Create(Kept)).AsSingle() * Vector512.Create(Rebias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector128<short> halves) =>
        ((Vector256.WidenLower(halves.ToVector256Unsafe()) << 13) & Vector256.Create(Kept)).AsSingle() * Vector256.Create(Rebias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Widen(Vector64<short> halves) =>
        ((Vector128.WidenLower(halves.ToVector128Unsafe()) << 13) & Vector128.Create(Kept)).AsSingle() * Vector128.Create(Rebias);
}
