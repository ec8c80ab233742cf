namespace Kvasir.Training.Data;

/// <summary>Random numbers that are the same everywhere for the same seed and stream (SplitMix64, Steele et al. 2014).</summary>
internal struct SeededRandom(ulong seed, ulong stream)
{
    private ulong _state = seed * 0x9E3779B97F4A7C15 + (stream + 1) * 0xD1B54A32D192ED03;

    public ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A whole number from 0 to below <paramref name="count"/>.</summary>
    public int Below(int count) => (int)Math.BigMul(Next(), (ulong)count, out _);

    public void Shuffle(Span<int> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int other = Below(i + 1);
            (items[i], items[other]) = (items[other], items[i]);
        }
    }

    /// <summary>Normal numbers of mean 0 (Box and Muller 1958).</summary>
    public void FillNormal(Span<float> values, double deviation)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(Unit())) * Math.Cos(2 * Math.PI * Unit()));
    }

    /// <summary>A number above 0, at most 1.</summary>
    private double Unit() => ((Next() >> 11) + 1) * (1.0 / (1L << 53));
}
