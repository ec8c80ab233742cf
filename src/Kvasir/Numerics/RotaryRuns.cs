namespace Kvasir.Numerics;

/// <summary>
/// The rotation of runs of 32 tokens that follow each other, without a trigonometric function a token: the angle of each is that of the
/// run's middle, made of two that are kept, and one of 32 that are the same for all runs. All channels of a head are taken as pairs, the
/// slowest first; those that the rotation leaves alone have the frequency 0. The magnitude of YaRN and longrope plays no part: what is
/// turned back and forth has it already. Thread-safe.
/// </summary>
internal sealed unsafe class RotaryRuns
{
    /// <summary>Tokens of a run.</summary>
    public const int Tokens = 32;

    /// <summary>The token of a run that angles are counted from.</summary>
    public const int Middle = Tokens / 2;

    /// <summary>Powers of the distance from the middle, 0 to 2, by which slow pairs are turned.</summary>
    public const int Powers = 3;

    /// <summary>
    /// Radians from the middle of a run to its end up to which a pair counts as slow: cosine and sine are then that near to parabolas and
    /// straight lines that scores move by less than 1e-4.
    /// </summary>
    private const double SlowAngle = 0.25;

    /// <summary>Positions from here on, and those below 0, that only damaged files have, are not worth keeping.</summary>
    private const int MostKept = 1 << 22;

    private readonly double[] _frequencies;
    private readonly PinnedFloats _byPair, _byToken, _coefficients, _distances;
    private PinnedFloats?[] _coarse = new PinnedFloats?[16];

    /// <param name="rotary">The rotation.</param>
    /// <param name="channels">Size of a head, even.</param>
    public RotaryRuns(Rotary rotary, int channels)
    {
        int turned = rotary.Dimensions / 2;
        var pairs = Enumerable.Range(0, channels / 2)
            .Select(j => (Frequency: j < turned ? rotary.Frequencies[j] : 0, Channels: j >= turned || rotary.Interleaved
                ? (2 * j, 2 * j + 1) : (j, j + turned)))
            .OrderBy(pair => Math.Abs(pair.Frequency)).ToArray();
        _frequencies = [.. pairs.Select(pair => pair.Frequency)];
        Channels = [.. pairs.Select(pair => pair.Channels)];
        Slow = _frequencies.Count(frequency => Math.Abs(frequency) * Middle <= SlowAngle);
        float[][] tokens = [.. Enumerable.Range(-Middle, Tokens).Select(AnglesOf)];
        _byPair = new PinnedFloats([.. Enumerable.Range(0, 2 * Pairs).SelectMany(row => tokens.Select(angles => angles[row]))]);
        _byToken = new PinnedFloats([.. Enumerable.Range(0, Tokens).SelectMany(AnglesOf)]);
        _coefficients = new PinnedFloats([.. Coefficients()]);
        _distances = new PinnedFloats([.. Enumerable.Range(-Middle, Tokens).Select(distance => (float)distance)]);
    }

    public int Pairs => _frequencies.Length;

    /// <summary>Radians per position of each pair, ascending.</summary>
    public IReadOnlyList<double> Frequencies => _frequencies;

    /// <summary>The first pairs, which hardly turn within a run.</summary>
    public int Slow { get; }

    /// <summary>The channels that are turned together.</summary>
    public IReadOnlyList<(int First, int Second)> Channels { get; }

    /// <summary>Cosines and sines [2, pairs, 32] of the distances of a run's tokens from its middle.</summary>
    public float* Distant => _byPair.Pointer;

    /// <summary>The distances of a run's tokens from its middle [32].</summary>
    public float* Distances => _distances.Pointer;

    /// <summary>
    /// [3, slow pairs]: the constant and the square term of the cosine and, between them, the linear one of the sine, as functions of the
    /// distance.
    /// </summary>
    public float* Parabolas => _coefficients.Pointer;

    /// <summary>Fills in cosines and sines [2, pairs] of one position.</summary>
    public void Fill(int position, float* angles, RotationKernels kernels)
    {
        int behind = position & (Tokens - 1);
        PinnedFloats coarse = position is >= 0 and < MostKept ? Coarse(position / Tokens) : new PinnedFloats(AnglesOf(position - behind));
        kernels.AddAngles(coarse.Pointer, _byToken.Pointer + behind * 2 * Pairs, angles, Pairs);
        GC.KeepAlive(coarse);
    }

    private PinnedFloats Coarse(int run)
    {
        PinnedFloats?[] known = Volatile.Read(ref _coarse);
        if (run < known.Length && Volatile.Read(ref known[run]) is { } there) return there;
        // Two threads may compute the same, or one lose what another adds to the shorter list: it is computed again.
        if (run >= known.Length)
        {
            Array.Resize(ref known, Math.Max(run + 1, 2 * known.Length));
            Volatile.Write(ref _coarse, known);
        }
        var angles = new PinnedFloats(AnglesOf(run * Tokens));
        Volatile.Write(ref known[run], angles);
        return angles;
    }

    private float[] AnglesOf(int position) =>
        [.. _frequencies.Select(frequency => (float)Math.Cos(position * frequency)),
            .. _frequencies.Select(frequency => (float)Math.Sin(position * frequency))];

    /// <summary>
    /// cos(d f) as a + c d^2 and sin(d f) as b d, equal to them at the distances d where Chebyshev's polynomials have their zeros, near
    /// which no polynomial of the degree is better.
    /// </summary>
    private IEnumerable<float> Coefficients()
    {
        const double r = Middle;
        double near = r * Math.Sin(Math.PI / 8), far = r * Math.Cos(Math.PI / 8), odd = r * Math.Sqrt(3) / 2;
        double[] slow = _frequencies[..Slow];
        double[] squares = [.. slow.Select(f => (Math.Cos(far * f) - Math.Cos(near * f)) / (far * far - near * near))];
        return [.. slow.Select((f, j) => (float)(Math.Cos(near * f) - squares[j] * near * near)),
            .. slow.Select(f => (float)(Math.Sin(odd * f) / odd)), .. squares.Select(square => (float)square)];
    }
}
