using Kvasir.Numerics;

namespace Kvasir.Tests.Numerics;

[Trait("Category", "Kernels")]
public sealed unsafe class RotaryTests
{
    private static readonly double[] Frequencies = [.. Enumerable.Range(0, 11).Select(j => Math.Pow(10000, -2.0 * j / 22))];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_pair_is_turned_by_position_times_frequency(bool interleaved)
    {
        var rotary = new Rotary(Frequencies, interleaved, magnitude: 1.5f);
        float[] x = Vector(1, 26), turned = Turn(rotary, x, 37);
        for (int j = 0; j < 11; j++)
        {
            (int a, int b) = interleaved ? (2 * j, 2 * j + 1) : (j, j + 11);
            (double sin, double cos) = Math.SinCos(37 * Frequencies[j]);
            Assert.Equal(1.5 * (x[a] * cos - x[b] * sin), turned[a], 1e-5);
            Assert.Equal(1.5 * (x[b] * cos + x[a] * sin), turned[b], 1e-5);
        }
        Assert.Equal(x[22..], turned[22..]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Turning_the_query_back_equals_turning_the_key_on(bool interleaved)
    {
        var rotary = new Rotary(Frequencies, interleaved);
        float[] query = Vector(2, 22), key = Vector(3, 22);
        double moved = Dot(Turn(rotary, query, 500), Turn(rotary, key, 100 + 321)),
            turnedBack = Dot(Turn(rotary, Turn(rotary, query, 500), -321), Turn(rotary, key, 100));
        Assert.Equal(moved, turnedBack, 1e-5);
    }

    private static float[] Turn(Rotary rotary, float[] vector, int position)
    {
        float[] copy = [.. vector], table = new float[rotary.TableLength];
        rotary.FillTable(position, table);
        fixed (float* c = copy, t = table) rotary.Rotate(c, t);
        return copy;
    }

    private static double Dot(float[] left, float[] right) => left.Zip(right).Sum(pair => (double)pair.First * pair.Second);

    private static float[] Vector(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1))];
    }
}
