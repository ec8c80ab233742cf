using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>512-bit vectors: 16 floats.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    public static int Width => 16;

    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    public static void Store(Vector512<float> vector, float* destination) => vector.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalf(ushort* source, Vector512<float> factor) =>
        HalfVectors.Widen(Vector256.Load((short*)source), factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBFloat16(ushort* source) =>
        (Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe()) << 16).AsSingle();

    public static Vector512<float> Add(Vector512<float> left, Vector512<float> right) => left + right;

    public static Vector512<float> Subtract(Vector512<float> left, Vector512<float> right) => left - right;

    public static Vector512<float> Multiply(Vector512<float> left, Vector512<float> right) => left * right;

    public static Vector512<float> Divide(Vector512<float> left, Vector512<float> right) => left / right;

    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Vector512.MultiplyAddEstimate(left, right, addend);

    public static Vector512<float> Max(Vector512<float> left, Vector512<float> right) => Vector512.MaxNative(left, right);

    public static Vector512<float> Min(Vector512<float> left, Vector512<float> right) => Vector512.MinNative(left, right);

    public static Vector512<float> PowerOfTwo(Vector512<float> exponent) =>
        ((Vector512.ConvertToInt32Native(exponent) + Vector512.Create(127)) << 23).AsSingle();

    public static Vector512<float> TimesPowerOfTwo(Vector512<float> vector, Vector512<float> exponent) =>
        Avx512F.IsSupported ? Avx512F.Scale(vector, exponent) : Multiply(vector, PowerOfTwo(exponent));

    public static Vector512<float> Round(Vector512<float> vector) => Vector512.Round(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Highest(Vector512<float> vector) => Simd256.Highest(Vector256.MaxNative(vector.GetLower(), vector.GetUpper()));

    public static float Sum(Vector512<float> vector) => Vector512.Sum(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector512<float> first, Vector512<float> second, Vector512<float> third, Vector512<float> fourth) =>
        Simd256.Sums(first.GetLower() + first.GetUpper(), second.GetLower() + second.GetUpper(), third.GetLower() + third.GetUpper(),
            fourth.GetLower() + fourth.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBytes(byte* source) =>
        Vector512.ConvertToSingle(
            Vector512.WidenLower(Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()).ToVector512Unsafe()).AsInt32());

    public static Vector512<float> CodeTable<TBits>() where TBits : IConstant =>
        Vector512.ConvertToSingle(Vector512<int>.Indices & Vector512.Create((1 << TBits.Value) - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Codes<TBits>(Vector512<float> words, Vector512<float> table) where TBits : IConstant
    {
        // A permutation reads only the lowest 4 bits of an index, and the table repeats: mask and conversion in one look-up.
        if (Avx512F.IsSupported && TBits.Value <= 4) return Avx512F.PermuteVar16x32(table, words.AsInt32());
        return Vector512.ConvertToSingle(words.AsInt32() & Vector512.Create((1 << TBits.Value) - 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftRight<TCount>(Vector512<float> words) where TCount : IConstant => TCount.Value switch
    {
        1 => (words.AsUInt32() >>> 1).AsSingle(),
        2 => (words.AsUInt32() >>> 2).AsSingle(),
        4 => (words.AsUInt32() >>> 4).AsSingle(),
        _ => (words.AsUInt32() >>> 8).AsSingle(),
    };

    // Bit 2 comes from the high word; what stands above it does not count.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MergeBits(Vector512<float> low, Vector512<float> high) =>
        Vector512.ConditionalSelect(Vector512.Create(4), high.AsInt32() << 2, low.AsInt32()).AsSingle();

    public static void Prefetch(byte* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }
}
