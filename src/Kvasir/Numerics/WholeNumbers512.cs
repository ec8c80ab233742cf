using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Kvasir.Numerics;

/// <summary>512-bit vectors: AVX-512 BW.</summary>
internal readonly unsafe struct WholeNumbers512 : IWholeNumbers<Vector512<float>, Vector512<int>>
{
    public static int Width => 16;

    public static Vector512<int> Zero => Vector512<int>.Zero;

    public static Vector512<int> Load(byte* source) => Vector512.Load((int*)source);

    public static Vector512<int> Masked(Vector512<int> line, byte mask) => line & Vector512.Create(mask).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> ShiftRight<TCount>(Vector512<int> line) where TCount : IConstant => TCount.Value switch
    {
        1 => (line.AsUInt16() >>> 1).AsInt32(),
        2 => (line.AsUInt16() >>> 2).AsInt32(),
        4 => (line.AsUInt16() >>> 4).AsInt32(),
        _ => (line.AsUInt16() >>> 6).AsInt32(),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> AddProducts(Vector512<int> sums, Vector512<int> codes, sbyte* quad) =>
        (sums.AsInt16() + Avx512BW.MultiplyAddAdjacent(codes.AsByte(), Vector512.Create(*(int*)quad).AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> AddPairs(Vector512<int> sums, Vector512<int> pairs, short weight) =>
        sums + Avx512BW.MultiplyAddAdjacent(pairs.AsInt16(), Vector512.Create(weight));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Finish(Vector512<int> sums, float step, float bias, float* result, bool accumulate)
    {
        Vector512<float> start = Vector512.Create(bias);
        if (accumulate) start += Vector512.Load(result);
        Vector512.MultiplyAddEstimate(Vector512.ConvertToSingle(sums), Vector512.Create(step), start).Store(result);
    }

    public static Vector512<float> Abs(Vector512<float> vector) => Vector512.Abs(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Largest(
        Vector512<float> first, Vector512<float> second, Vector512<float> third, Vector512<float> fourth) =>
        WholeNumbers256.Largest(Larger(first), Larger(second), Larger(third), Larger(fourth));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Round(float* floats, Vector512<float> factor, Vector512<float> taken, ref Vector512<float> bias)
    {
        Vector512<int> rounded = Avx512F.ConvertToVector512Int32(Vector512.Load(floats) * factor);
        bias = Vector512.MultiplyAddEstimate(Vector512.ConvertToSingle(rounded), taken, bias);
        return Avx512F.ConvertToVector128SByteWithSaturation(rounded);
    }

    private static Vector256<float> Larger(Vector512<float> x) => Vector256.MaxNative(x.GetLower(), x.GetUpper());
}
