using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>One lane: the vector kernels' traversal without vectors.</summary>
internal readonly unsafe struct SimdScalar : ISimd<float>
{
    public static int Width => 1;

    public static float Broadcast(float value) => value;

    public static float Load(float* source) => *source;

    public static void Store(float vector, float* destination) => *destination = vector;

    public static float LoadHalf(ushort* source, float factor) =>
        (float)BitConverter.UInt16BitsToHalf(*source) * (factor / HalfVectors.Factor(0));

    public static float LoadBFloat16(ushort* source) => BitConverter.Int32BitsToSingle(*source << 16);

    public static float Add(float left, float right) => left + right;

    public static float Subtract(float left, float right) => left - right;

    public static float Multiply(float left, float right) => left * right;

    public static float Divide(float left, float right) => left / right;

    public static float MultiplyAdd(float left, float right, float addend) => left * right + addend;

    public static float Max(float left, float right) => MathF.Max(left, right);

    public static float Min(float left, float right) => MathF.Min(left, right);

    public static float PowerOfTwo(float exponent) => BitConverter.Int32BitsToSingle(((int)exponent + 127) << 23);

    public static float TimesPowerOfTwo(float vector, float exponent) => vector * PowerOfTwo(exponent);

    public static float Round(float vector) => MathF.Round(vector);

    public static float Highest(float vector) => vector;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(float vector) => vector;

    public static Vector128<float> Sums(float first, float second, float third, float fourth) =>
        Vector128.Create(first, second, third, fourth);

    public static float LoadBytes(byte* source) => *source;

    public static float CodeTable<TBits>() where TBits : IConstant => 0;

    public static float Codes<TBits>(float words, float table) where TBits : IConstant =>
        BitConverter.SingleToUInt32Bits(words) & ((1u << TBits.Value) - 1);

    public static float ShiftRight<TCount>(float words) where TCount : IConstant =>
        BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(words) >>> TCount.Value);

    public static float MergeBits(float low, float high) =>
        BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(low) & 3) | ((BitConverter.SingleToUInt32Bits(high) & 1) << 2));

    public static void Prefetch(byte* address)
    {
    }
}
