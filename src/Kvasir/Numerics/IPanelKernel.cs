namespace Kvasir.Numerics;

/// <summary>
/// Products of one panel of <see cref="PackedFormat.PanelRows"/> packed rows with a few tokens.
/// A kernel reads its panel once, forward.
/// </summary>
internal unsafe interface IPanelKernel
{
    /// <summary>Most tokens that one call takes.</summary>
    public static abstract int MaxTokens(in PackedFormat format);

    /// <summary>result[t * 32 + r] = sum over all columns of W[r, c] x[t, c], for t in [0, tokens).</summary>
    public static abstract void Multiply(
        in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result);
}
