namespace Kvasir.Training.Operations;

/// <summary>
/// y = x/2 (1 + t) with t = tanh(√(2/π) (x + 0.044715 x³)) (Hendrycks and Gimpel 2016, GPT-2's form).
/// Gradient: dx = dy ((1 + t)/2 + x/2 (1 − t²) √(2/π) (1 + 3 · 0.044715 x²)).
/// </summary>
internal static class Gelu
{
    private const float Root = 0.7978845608028654f, Cubic = 0.044715f;

    public static void Forward(ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < x.Length; i++) y[i] = x[i] / 2 * (1 + Tanh(x[i]));
    }

    /// <summary>The gradient takes the place of <paramref name="dy"/>.</summary>
    public static void Backward(ReadOnlySpan<float> x, Span<float> dy)
    {
        for (int i = 0; i < x.Length; i++)
        {
            float t = Tanh(x[i]);
            dy[i] *= (1 + t) / 2 + x[i] / 2 * (1 - t * t) * Root * (1 + 3 * Cubic * x[i] * x[i]);
        }
    }

    private static float Tanh(float x) => MathF.Tanh(Root * (x + Cubic * x * x * x));
}
