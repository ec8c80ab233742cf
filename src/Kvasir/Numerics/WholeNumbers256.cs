using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>256-bit vectors: AVX2.</summary>
internal readonly unsafe struct WholeNumbers256 : IWholeNumbers<Vector256<float>, Vector256<int>>
{
    public static int Width => 8;

    public static Vector256<int> Zero => Vector256<int>.Zero;

    public static Vector256<int> Load(byte* source) => Vector256.Load((int*)source);

    public static Vector256<int> Masked(Vector256<int> line, byte mask) => line & Vector256.Create(mask).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> ShiftRight<TCount>(Vector256<int> line) where TCount : IConstant => TCount.Value switch
    {
        1 => (line.AsUInt16() >>> 1).AsInt32(),
        2 => (line.AsUInt16() >>> 2).AsInt32(),
        4 => (line.AsUInt16() >>> 4).AsInt32(),
        _ => (line.AsUInt16() >>> 6).AsInt32(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddProducts(Vector256<int> sums, Vector256<int> codes, sbyte* quad) =>
        (sums.AsInt16() + Avx2.MultiplyAddAdjacent(codes.AsByte(), Vector256.Create(*(int*)quad).AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddPairs(Vector256<int> sums, Vector256<int> pairs, short weight) =>
        sums + Avx2.MultiplyAddAdjacent(pairs.AsInt16(), Vector256.Create(weight));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Finish(Vector256<int> sums, float step, float bias, float* result, bool accumulate)
    {
        Vector256<float> start = Vector256.Create(bias);
        if (accumulate) start += Vector256.Load(result);
        Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(sums), Vector256.Create(step), start).Store(result);
    }

    public static Vector256<float> Abs(Vector256<float> vector) => Vector256.Abs(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Largest(
        Vector256<float> first, Vector256<float> second, Vector256<float> third, Vector256<float> fourth)
    {
        Vector128<float> a = Larger(first), b = Larger(second), c = Larger(third), d = Larger(fourth);
        // A transposition of four by four on the way: lane i of the result is the maximum of vector i.
        Vector128<float> ab = Vector128.MaxNative(Sse.UnpackLow(a, b), Sse.UnpackHigh(a, b)),
            cd = Vector128.MaxNative(Sse.UnpackLow(c, d), Sse.UnpackHigh(c, d));
        return Vector128.MaxNative(Sse.MoveLowToHigh(ab, cd), Sse.MoveHighToLow(cd, ab));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Round(float* floats, Vector256<float> factor, Vector256<float> taken, ref Vector256<float> bias)
    {
        Vector256<int> first = Avx.ConvertToVector256Int32(Vector256.Load(floats) * factor),
            second = Avx.ConvertToVector256Int32(Vector256.Load(floats + 8) * factor);
        bias = Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(first), taken, bias);
        bias = Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(second), taken, bias);
        // Packing goes by halves of 128 bits: 0..3 and 8..11, then 4..7 and 12..15.
        Vector256<short> words = Avx2.PackSignedSaturate(first, second);
        Vector128<int> bytes = Sse2.PackSignedSaturate(words.GetLower(), words.GetUpper()).AsInt32();
        return Vector128.Shuffle(bytes, Vector128.Create(0, 2, 1, 3)).AsSByte();
    }

    private static Vector128<float> Larger(Vector256<float> x) => Vector128.MaxNative(x.GetLower(), x.GetUpper());
}
