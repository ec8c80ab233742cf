using Kvasir.Formats;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Models;

/// <summary>
/// Frequencies of rotary embeddings, base^(-2j / dimensions), and the ways in which files stretch them for longer contexts.
/// </summary>
internal static class RotaryFrequencies
{
    /// <summary>
    /// What the metadata and tensors of a file ask for: a tensor of divisors (Llama 3) or two (longrope), and linear stretching or YaRN.
    /// </summary>
    public static RotaryChoice FromMetadata(ModelMetadata metadata, ModelConfig config)
    {
        ModelFile file = metadata.File;
        int dimensions = metadata.Get("rope.dimension_count", config.HeadDim);
        if (dimensions < 2 || dimensions > config.HeadDim || dimensions % 2 != 0)
            throw new InvalidInputException($"{file.Path}: rotary dimensions {dimensions} do not fit a head of {config.HeadDim}");
        double frequencyBase = Positive(metadata, "rope.freq_base", metadata.Get("rope.freq_base", 10000d)),
            scaleLinear = metadata.Get("rope.scale_linear", 1d);
        // the former is the old name
        double factor = Positive(metadata, "rope.scaling.factor", metadata.Get("rope.scaling.factor", scaleLinear));
        double original = Positive(
            metadata, "rope.scaling.original_context_length",
            metadata.Get("rope.scaling.original_context_length", (double)config.ContextLength));
        float magnitude = metadata.Factor("rope.scaling.attn_factor") * metadata.Factor("rope.scaling.yarn_attn_factor");
        string type = metadata.Get("rope.scaling.type", factor == 1 ? "none" : "linear");
        var yarn = new YarnSettings(metadata, factor, original);
        double[] plain = Plain(frequencyBase, dimensions);

        Rotary New(double[] frequencies, float scale = 1) => new(frequencies, file.InterleavedRotary, scale);
        if (file.Tensors.TryGetValue("rope_factors_long.weight", out Tensor? longFactors) || type == "longrope")
        {
            double[] shortFrequencies = Divide(plain, file.RequireTensor("rope_factors_short.weight"), file);
            return new RotaryChoice(New(shortFrequencies, magnitude),
                New(Divide(plain, longFactors ?? file.RequireTensor("rope_factors_long.weight"), file), magnitude),
                (int)Math.Min(original, int.MaxValue));
        }
        if (file.Tensors.TryGetValue("rope_freqs.weight", out Tensor? divisors)) plain = Divide(plain, divisors, file);
        return type switch
        {
            "none" => new RotaryChoice(New(plain)),
            "linear" => new RotaryChoice(New([.. plain.Select(frequency => frequency / factor)])),
            "yarn" => new RotaryChoice(New(yarn.Stretch(plain, frequencyBase, dimensions), magnitude * yarn.Magnitude)),
            _ => throw DamagedFile.Error(
                file.Path,
                $"rotary scaling '{type}' ({metadata.Architecture}.rope.scaling.type) is not supported (none, linear, yarn and longrope "
                + "are)"),
        };
    }

    public static double[] Plain(double frequencyBase, int dimensions)
    {
        double[] frequencies = new double[dimensions / 2];
        for (int j = 0; j < frequencies.Length; j++) frequencies[j] = Math.Pow(frequencyBase, -2.0 * j / dimensions);
        return frequencies;
    }

    private static double Positive(ModelMetadata metadata, string key, double value) =>
        value > 0 && double.IsFinite(value) ? value
            : throw new InvalidInputException($"{metadata.File.Path}: {metadata.Architecture}.{key} is {value}, not a positive number");

    private static double[] Divide(double[] frequencies, Tensor divisors, ModelFile file)
    {
        if (divisors.Rows != 1 || divisors.Columns != frequencies.Length || divisors.Type != TensorType.F32)
            throw new InvalidInputException($"{file.Path}: tensor '{divisors.Name}' must hold {frequencies.Length} floats");
        float[] values = new float[frequencies.Length];
        GgmlBlocks.Dequantize(TensorType.F32, divisors.RowBytes(0), values);
        return [.. frequencies.Select((frequency, j) => frequency / values[j])];
    }
}
