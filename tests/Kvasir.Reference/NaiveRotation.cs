namespace Kvasir.Reference;

/// <summary>Radians that each pair of channels turns per position, and what cosine and sine are multiplied by.</summary>
public sealed record NaiveRotation(double[] Frequencies, double Magnitude = 1)
{
    public static NaiveRotation Plain(double theta, int headDim) =>
        new([.. Enumerable.Range(0, headDim / 2).Select(pair => 1 / Math.Pow(theta, 2.0 * pair / headDim))]);

    /// <summary>All positions divided by the factor (Chen et al. 2023).</summary>
    public NaiveRotation Stretched(double factor) => this with { Frequencies = [.. Frequencies.Select(frequency => frequency / factor)] };

    /// <summary>
    /// YaRN (Peng et al. 2023, section 3.2 and 3.4): pairs that turn more than 32 times within the original context stay, those that turn
    /// less than once are stretched, with a linear ramp over the pairs between, whose ends are whole pairs where
    /// <paramref name="truncate"/>.
    /// </summary>
    public static NaiveRotation Yarn(double theta, int headDim, double factor, int original, bool truncate = true)
    {
        // The pair j that turns n times within the original context: original * theta^(-2j/headDim) = 2 pi n.
        double PairTurning(double times) => headDim / 2.0 * (Math.Log(original) - Math.Log(2 * Math.PI * times)) / Math.Log(theta);
        double first = Math.Max(0, truncate ? Math.Floor(PairTurning(32)) : PairTurning(32));
        double last = Math.Min(headDim - 1, truncate ? Math.Ceiling(PairTurning(1)) : PairTurning(1));
        double[] frequencies = Plain(theta, headDim).Frequencies;
        for (int pair = 0; pair < frequencies.Length; pair++)
        {
            double stretched = pair <= first ? 0 : pair >= last ? 1 : (pair - first) / (last - first);
            frequencies[pair] = (stretched / factor + (1 - stretched)) * frequencies[pair];
        }
        return new NaiveRotation(frequencies, 0.1 * Math.Log(factor) + 1);
    }

    public static NaiveRotation None => new([]);

    /// <summary>
    /// Whether channel 2j turns with 2j + 1; else channel j with j + half, half being that of the channels that turn at all.
    /// </summary>
    public bool Neighbours { get; init; }

    /// <summary>The head at a position; channels beyond the pairs stay.</summary>
    public double[] Rotate(double[] head, int position)
    {
        double[] rotated = [.. head];
        for (int j = 0; j < Frequencies.Length; j++)
        {
            (int a, int b) = Neighbours ? (2 * j, 2 * j + 1) : (j, j + Frequencies.Length);
            double cosine = Math.Cos(position * Frequencies[j]) * Magnitude, sine = Math.Sin(position * Frequencies[j]) * Magnitude;
            rotated[a] = head[a] * cosine - head[b] * sine;
            rotated[b] = head[b] * cosine + head[a] * sine;
        }
        return rotated;
    }
}
