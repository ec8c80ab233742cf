using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>Weight and, for LayerNorm, bias of one normalisation.</summary>
internal sealed class NormWeights(NormKind kind, float[] weight, float[]? bias, float epsilon)
{
    public int Length => weight.Length;

    /// <summary>The same with all results multiplied by a factor.</summary>
    public NormWeights Scaled(float factor) =>
        factor == 1 ? this
            : new(kind, Array.ConvertAll(weight, value => value * factor), bias is null
            ? null : Array.ConvertAll(bias, value => value * factor), epsilon);

    public void Apply(ReadOnlySpan<float> x, Span<float> output)
    {
        if (kind == NormKind.Rms) Norms.Rms(x, weight, epsilon, output);
        else Norms.Layer(x, weight, bias, epsilon, output);
    }
}
