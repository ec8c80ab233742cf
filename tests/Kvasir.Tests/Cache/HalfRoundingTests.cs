using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

public sealed unsafe class HalfRoundingTests
{
    [Fact]
    public void Numbers_round_to_the_nearest_half()
    {
        var random = new Random(1);
        float[] numbers = [.. Enumerable.Range(0, 1 << 16)
            .Select(_ => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue))), .. Enumerable.Range(0, 1 << 16)
            .Select(half => HalfWay((ushort)half))];
        Half[] halves = Narrow(numbers);
        for (int i = 0; i < numbers.Length; i++)
        {
            float size = MathF.Abs(numbers[i]);
            Half expected = float.IsNaN(size) || size < 6.103515625e-5f
                ? Half.Zero : size > 65504 ? Half.CopySign(Half.MaxValue, (Half)numbers[i]) : (Half)numbers[i];
            Assert.True(expected == halves[i], $"{numbers[i]:R} became {halves[i]}, not {expected}");
        }
    }

    /// <summary>The number half-way between a half and the next one: ties must go to the even neighbour.</summary>
    private static float HalfWay(ushort bits) =>
        BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits((float)BitConverter.UInt16BitsToHalf(bits)) | 0x1000);

    private static Half[] Narrow(float[] numbers)
    {
        Half[] halves = new Half[numbers.Length];
        fixed (float* source = numbers)
        fixed (Half* destination = halves) HalfRounding.Narrow(source, (byte*)destination, numbers.Length);
        return halves;
    }
}
