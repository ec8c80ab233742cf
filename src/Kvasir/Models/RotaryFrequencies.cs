using Kvasir.Formats;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Models;

/// <summary>Frequencies of rotary embeddings, base^(-2j / dimensions), and the ways in which files stretch them for longer contexts.</summary>
internal static class RotaryFrequencies
{
    /// <summary>What the metadata and tensors of a file ask for: none, linear, Llama 3 (a tensor of divisors), YaRN, or longrope.</summary>
    public static RotaryChoice FromMetadata(ModelMetadata metadata, ModelConfig config)
    {
        ModelFile file = metadata.File;
        int dimensions = metadata.Get("rope.dimension_count", config.HeadDim);
        if (dimensions < 2 || dimensions > config.HeadDim || dimensions % 2 != 0) throw new InvalidInputException($"{file.Path}: rotary dimensions {dimensions} do not fit a head of {config.HeadDim}");
        double[] plain = Plain(metadata.Get("rope.freq_base", 10000d), dimensions);
        double factor = metadata.Get("rope.scaling.factor", 1d);
        if (!(factor > 0)) throw new InvalidInputException($"{file.Path}: rope scaling factor {factor} is not positive");
        int original = metadata.Get("rope.scaling.original_context_length", config.ContextLength);
        float magnitude = metadata.Get("rope.scaling.attn_factor", 1f);

        Rotary New(double[] frequencies, float scale = 1) => new(frequencies, file.InterleavedRotary, scale);
        if (file.Tensors.TryGetValue("rope_factors_long.weight", out Tensor? longFactors))
        {
            double[] shortFrequencies = Divide(plain, file.RequireTensor("rope_factors_short.weight"), file);
            return new RotaryChoice(New(shortFrequencies, magnitude), New(Divide(plain, longFactors, file), magnitude), original);
        }
        if (file.Tensors.TryGetValue("rope_freqs.weight", out Tensor? divisors)) return new RotaryChoice(New(Divide(plain, divisors, file)));
        return metadata.Get("rope.scaling.type", "none") switch
        {
            "linear" => new RotaryChoice(New([.. plain.Select(frequency => frequency / factor)])),
            "yarn" => new RotaryChoice(New(Yarn(metadata, plain, dimensions, factor, original), magnitude * (float)(factor > 1 ? 0.1 * Math.Log(factor) + 1 : 1))),
            _ => new RotaryChoice(New(plain)),
        };
    }

    public static double[] Plain(double frequencyBase, int dimensions)
    {
        double[] frequencies = new double[dimensions / 2];
        for (int j = 0; j < frequencies.Length; j++) frequencies[j] = Math.Pow(frequencyBase, -2.0 * j / dimensions);
        return frequencies;
    }

    /// <summary>YaRN (Peng et al. 2023): fast pairs keep their frequency, slow ones are divided by the factor, between them a ramp.</summary>
    private static double[] Yarn(ModelMetadata metadata, double[] plain, int dimensions, double factor, int original)
    {
        double frequencyBase = metadata.Get("rope.freq_base", 10000d);
        double fast = metadata.Get("rope.scaling.yarn_beta_fast", metadata.Get("rope.scaling.beta_fast", 32d)), slow = metadata.Get("rope.scaling.yarn_beta_slow", metadata.Get("rope.scaling.beta_slow", 1d));
        double PairOfRotations(double rotations) => dimensions * Math.Log(original / (rotations * 2 * Math.PI)) / (2 * Math.Log(frequencyBase));
        double low = Math.Max(Math.Floor(PairOfRotations(fast)), 0), high = Math.Min(Math.Ceiling(PairOfRotations(slow)), dimensions - 1);
        return [.. plain.Select((frequency, j) =>
        {
            double ramp = Math.Clamp((j - low) / Math.Max(high - low, 0.001), 0, 1);
            return frequency * (1 - ramp) + frequency / factor * ramp;
        })];
    }

    private static double[] Divide(double[] frequencies, Tensor divisors, ModelFile file)
    {
        if (divisors.Rows != 1 || divisors.Columns != frequencies.Length || divisors.Type != TensorType.F32) throw new InvalidInputException($"{file.Path}: tensor '{divisors.Name}' must hold {frequencies.Length} floats");
        float[] values = new float[frequencies.Length];
        GgmlBlocks.Dequantize(TensorType.F32, divisors.RowBytes(0), values);
        return [.. frequencies.Select((frequency, j) => frequency / values[j])];
    }
}
