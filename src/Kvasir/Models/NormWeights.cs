using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>Weight and, for LayerNorm, bias of one normalisation.</summary>
internal sealed class NormWeights(NormKind kind, float[] weight, float[]? bias, float epsilon)
{
    public void Apply(ReadOnlySpan<float> x, Span<float> output)
    {
        if (kind == NormKind.Rms) Norms.Rms(x, weight, epsilon, output);
        else Norms.Layer(x, weight, bias, epsilon, output);
    }
}
