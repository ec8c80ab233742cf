namespace Kvasir.Models;

/// <summary>
/// YaRN (Peng et al. 2023): fast pairs keep their frequency, slow ones are divided by the factor, between them a ramp; cosine and sine grow
/// with the factor.
/// </summary>
internal sealed class YarnSettings
{
    private readonly double _factor, _original, _fast, _slow, _extrapolation;
    private readonly bool _truncates;

    /// <param name="metadata">Where the settings stand.</param>
    /// <param name="factor">How much longer the context became.</param>
    /// <param name="original">Tokens of the context before.</param>
    public YarnSettings(ModelMetadata metadata, double factor, double original)
    {
        (_factor, _original) = (factor, original);
        _fast = Rotations(metadata, "beta_fast", 32);
        _slow = Rotations(metadata, "beta_slow", 1);
        _truncates = metadata.Get("rope.scaling.yarn_truncate", true); // Hugging Face's "truncate"; GGUF has no such key
        _extrapolation = metadata.Get("rope.scaling.yarn_ext_factor", 1d) is >= 0 and <= 1 and var share ? share : 1; // -1: as usual
        double growth = factor > 1 ? 0.1 * Math.Log(factor) : 0;
        // Hugging Face's "mscale_all_dim"
        Magnitude = (float)((1 + growth) / (1 + growth * metadata.Get("rope.scaling.yarn_log_multiplier", 0d)));
    }

    /// <summary>Factor of cosine and sine.</summary>
    public float Magnitude { get; }

    public double[] Stretch(double[] frequencies, double frequencyBase, int dimensions)
    {
        double low = PairOf(_fast), high = PairOf(_slow);
        if (_truncates) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dimensions - 1));
        return [.. frequencies.Select((frequency, j) =>
        {
            double kept = (1 - Math.Clamp((j - low) / Math.Max(high - low, 0.001), 0, 1)) * _extrapolation;
            return frequency * kept + frequency / _factor * (1 - kept);
        })];

        double PairOf(double rotations) => dimensions * Math.Log(_original / (rotations * 2 * Math.PI)) / (2 * Math.Log(frequencyBase));
    }

    private static double Rotations(ModelMetadata metadata, string name, double usual)
    {
        double older = metadata.Get($"rope.scaling.{name}", usual), rotations = metadata.Get($"rope.scaling.yarn_{name}", older);
        return rotations > 0 && double.IsFinite(rotations) ? rotations
            : throw new InvalidInputException(
            $"{metadata.File.Path}: {metadata.Architecture}.rope.scaling.yarn_{name} is {rotations}, not a positive number");
    }
}
