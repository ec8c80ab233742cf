using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>256-bit vectors: 8 floats.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static int Width => 8;

    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    public static void Store(Vector256<float> vector, float* destination) => vector.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalf(ushort* source, Vector256<float> factor) =>
        HalfVectors.Widen(Vector128.Load((short*)source), factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBFloat16(ushort* source) =>
        (Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()) << 16).AsSingle();

    public static Vector256<float> Add(Vector256<float> left, Vector256<float> right) => left + right;

    public static Vector256<float> Subtract(Vector256<float> left, Vector256<float> right) => left - right;

    public static Vector256<float> Multiply(Vector256<float> left, Vector256<float> right) => left * right;

    public static Vector256<float> Divide(Vector256<float> left, Vector256<float> right) => left / right;

    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Vector256.MultiplyAddEstimate(left, right, addend);

    public static Vector256<float> Max(Vector256<float> left, Vector256<float> right) => Vector256.MaxNative(left, right);

    public static Vector256<float> Min(Vector256<float> left, Vector256<float> right) => Vector256.MinNative(left, right);

    public static Vector256<float> PowerOfTwo(Vector256<float> exponent) =>
        ((Vector256.ConvertToInt32Native(exponent) + Vector256.Create(127)) << 23).AsSingle();

    public static Vector256<float> TimesPowerOfTwo(Vector256<float> vector, Vector256<float> exponent) => vector * PowerOfTwo(exponent);

    public static Vector256<float> Round(Vector256<float> vector) => Vector256.Round(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Highest(Vector256<float> vector) => Simd128.Highest(Vector128.MaxNative(vector.GetLower(), vector.GetUpper()));

    public static float Sum(Vector256<float> vector) => Vector256.Sum(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector256<float> first, Vector256<float> second, Vector256<float> third, Vector256<float> fourth) =>
        Simd128.Sums(first.GetLower() + first.GetUpper(), second.GetLower() + second.GetUpper(), third.GetLower() + third.GetUpper(),
            fourth.GetLower() + fourth.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBytes(byte* source) =>
        Vector256.ConvertToSingle(
            Vector256.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsByte()).ToVector256Unsafe())
            .AsInt32());

    public static Vector256<float> CodeTable<TBits>() where TBits : IConstant =>
        Vector256.ConvertToSingle(Vector256<int>.Indices & Vector256.Create((1 << TBits.Value) - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Codes<TBits>(Vector256<float> words, Vector256<float> table) where TBits : IConstant
    {
        // A permutation reads only the lowest 2 or 3 bits of an index: mask and conversion in one look-up.
        if (Avx.IsSupported && TBits.Value == 2) return Avx.PermuteVar(table, words.AsInt32());
        if (Avx2.IsSupported && TBits.Value == 3) return Avx2.PermuteVar8x32(table, words.AsInt32());
        return Vector256.ConvertToSingle(words.AsInt32() & Vector256.Create((1 << TBits.Value) - 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftRight<TCount>(Vector256<float> words) where TCount : IConstant => TCount.Value switch
    {
        1 => (words.AsUInt32() >>> 1).AsSingle(),
        2 => (words.AsUInt32() >>> 2).AsSingle(),
        4 => (words.AsUInt32() >>> 4).AsSingle(),
        _ => (words.AsUInt32() >>> 8).AsSingle(),
    };

    // Bit 2 comes from the high word; what stands above it does not count.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MergeBits(Vector256<float> low, Vector256<float> high) =>
        Vector256.ConditionalSelect(Vector256.Create(4), high.AsInt32() << 2, low.AsInt32()).AsSingle();

    public static void Prefetch(byte* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }
}
