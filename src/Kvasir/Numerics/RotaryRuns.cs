namespace Kvasir.Numerics;

/// <summary>
/// Cosines and sines of tokens that follow each other, without a trigonometric function a token: the angle of position 32 a + b is that of 32 a, kept from its first use on, and that of b. All
/// channels of a head are taken as pairs; those that the rotation leaves alone have the angle 0. The magnitude of YaRN and longrope plays no part: what is turned back and forth has
/// it already. Thread-safe.
/// </summary>
internal sealed unsafe class RotaryRuns
{
    /// <summary>Tokens of a run.</summary>
    public const int Tokens = 32;

    /// <summary>Positions from here on, and those below 0, that only damaged files have, are not worth keeping.</summary>
    private const int MostKept = 1 << 22;

    private readonly double[] _frequencies;
    private readonly float[] _fine;
    private float[]?[] _coarse = new float[]?[16];

    /// <param name="rotary">The rotation.</param>
    /// <param name="channels">Size of a head, even.</param>
    public RotaryRuns(Rotary rotary, int channels)
    {
        int turned = rotary.Dimensions / 2;
        _frequencies = [.. rotary.Frequencies, .. new double[channels / 2 - turned]];
        Channels = [.. Enumerable.Range(0, Pairs).Select(j => j >= turned || rotary.Interleaved ? (2 * j, 2 * j + 1) : (j, j + turned))];
        _fine = GC.AllocateUninitializedArray<float>(2 * Pairs * Tokens, pinned: true);
        for (int token = 0; token < Tokens; token++)
            for (int j = 0; j < Pairs; j++) (_fine[j * Tokens + token], _fine[(Pairs + j) * Tokens + token]) = Angle(j, token);
        Fine = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_fine));
    }

    public int Pairs => _frequencies.Length;

    /// <summary>The channels that are turned together.</summary>
    public IReadOnlyList<(int First, int Second)> Channels { get; }

    /// <summary>Cosines and sines [2, pairs, 32] of positions 0 to 31.</summary>
    public float* Fine { get; }

    /// <summary>Fills in cosines and sines [2, pairs] of one position, <paramref name="step"/> floats apart.</summary>
    public void Fill(int position, float* angles, int step = 1)
    {
        int behind = position & (Tokens - 1);
        float* fineCos = Fine + behind, fineSin = fineCos + Pairs * Tokens;
        ReadOnlySpan<float> coarse = position is >= 0 and < MostKept ? Coarse(position / Tokens) : AnglesOf(position - behind);
        for (int j = 0; j < Pairs; j++)
        {
            float cos = coarse[j], sin = coarse[Pairs + j], c = fineCos[j * Tokens], s = fineSin[j * Tokens];
            angles[j * step] = cos * c - sin * s;
            angles[(Pairs + j) * step] = sin * c + cos * s;
        }
    }

    private float[] Coarse(int run)
    {
        float[]?[] known = Volatile.Read(ref _coarse);
        if (run < known.Length && Volatile.Read(ref known[run]) is { } there) return there;
        // Two threads may compute the same, or one lose what another adds to the shorter list: it is computed again.
        if (run >= known.Length)
        {
            Array.Resize(ref known, Math.Max(run + 1, 2 * known.Length));
            Volatile.Write(ref _coarse, known);
        }
        float[] angles = AnglesOf(run * Tokens);
        Volatile.Write(ref known[run], angles);
        return angles;
    }

    private float[] AnglesOf(int position)
    {
        var angles = new float[2 * Pairs];
        for (int j = 0; j < Pairs; j++) (angles[j], angles[Pairs + j]) = Angle(j, position);
        return angles;
    }

    private (float Cos, float Sin) Angle(int pair, int position)
    {
        (double sin, double cos) = Math.SinCos(position * _frequencies[pair]);
        return ((float)cos, (float)sin);
    }
}
