using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>
/// Rotary position embedding (Su et al. 2021, RoFormer): pair j of a head is turned by position * frequency[j].
/// Pairs are (2j, 2j+1) where interleaved, else (j, j + pairs); dimensions beyond the pairs are left alone.
/// </summary>
/// <param name="frequencies">Radians per position of each pair.</param>
/// <param name="interleaved">How pairs lie.</param>
/// <param name="magnitude">Factor of cosine and sine (attention factor of YaRN and longrope).</param>
internal sealed unsafe class Rotary(double[] frequencies, bool interleaved, float magnitude = 1)
{
    /// <summary>What a rotation multiplies with besides.</summary>
    public float Magnitude { get; } = magnitude;

    public bool Interleaved { get; } = interleaved;

    /// <summary>Dimensions that are turned: two a pair.</summary>
    public int Dimensions => 2 * frequencies.Length;

    /// <summary>Radians per position of each pair.</summary>
    public IReadOnlyList<double> Frequencies => frequencies;

    /// <summary>Floats of one position's table: a cosine and a signed sine for every turned dimension.</summary>
    public int TableLength => 2 * Dimensions;

    /// <summary>The table of one position. A shift of keys or queries is a rotation without the magnitude.</summary>
    public void FillTable(int position, Span<float> table, bool withMagnitude = true)
    {
        float size = withMagnitude ? Magnitude : 1;
        int pairs = frequencies.Length, dimensions = Dimensions;
        for (int j = 0; j < pairs; j++)
        {
            (double sin, double cos) = Math.SinCos(position * frequencies[j]);
            (int first, int second) = Interleaved ? (2 * j, 2 * j + 1) : (j, j + pairs);
            table[first] = table[second] = (float)cos * size;
            table[dimensions + first] = -(float)sin * size;
            table[dimensions + second] = (float)sin * size;
        }
    }

    /// <summary>Turns one head in place: x[j] cos[j] + x[partner of j] sin[j].</summary>
    public void Rotate(float* head, float* table)
    {
        if (Interleaved) RotateInterleaved(head, table);
        else RotateHalves(head, table);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RotateInterleaved(float* head, float* table)
    {
        int dimensions = Dimensions, d = 0;
        float* sines = table + dimensions;
        for (; d <= dimensions - 4; d += 4)
        {
            Vector128<float> x = Vector128.Load(head + d);
            Vector128<float> partner = Vector128.Shuffle(x, Vector128.Create(1, 0, 3, 2));
            (x * Vector128.Load(table + d) + partner * Vector128.Load(sines + d)).Store(head + d);
        }
        for (; d < dimensions; d += 2)
            (head[d], head[d + 1]) = (head[d] * table[d] + head[d + 1] * sines[d], head[d + 1] * table[d + 1] + head[d] * sines[d + 1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RotateHalves(float* head, float* table)
    {
        int pairs = frequencies.Length, j = 0;
        float* sines = table + Dimensions;
        for (; j <= pairs - 4; j += 4)
        {
            Vector128<float> low = Vector128.Load(head + j), high = Vector128.Load(head + pairs + j);
            (low * Vector128.Load(table + j) + high * Vector128.Load(sines + j)).Store(head + j);
            (high * Vector128.Load(table + pairs + j) + low * Vector128.Load(sines + pairs + j)).Store(head + pairs + j);
        }
        for (; j < pairs; j++)
            (head[j], head[j + pairs]) =
                (head[j] * table[j] + head[j + pairs] * sines[j], head[j + pairs] * table[j + pairs] + head[j] * sines[j + pairs]);
    }
}
