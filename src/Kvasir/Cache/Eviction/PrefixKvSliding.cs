namespace Kvasir.Cache.Eviction;

/// <summary>
/// What PrefixKV does while decoding (as its authors' code does, but that tokens keep their true positions): a layer that holds more than
/// its share of all tokens gives up the one at a fixed place, 25 from the end of what the prompt left. So a frozen beginning stays, and
/// behind it a window slides.
/// </summary>
/// <param name="ForgetRatio">The share of all tokens that the layer forgets.</param>
/// <param name="Slot">Which of its tokens leaves.</param>
internal sealed record PrefixKvSliding(double ForgetRatio, int Slot)
{
    private const int Distance = 25;

    /// <summary>Of a layer that holds so many of a prompt's tokens.</summary>
    public static PrefixKvSliding After(int prompt, int kept, double? forgetRatio = null) =>
        new(forgetRatio ?? (double)(prompt - kept) / prompt, kept - Distance is >= 1 and var slot ? slot : kept / 2);

    /// <summary>
    /// What is left of a layer's positions when some steps more have been taken, each of which lets one token leave at most.
    /// </summary>
    public int[] Left(int[] positions, int processed, int steps)
    {
        int leaving = Math.Clamp((int)(positions.Length - processed * (1 - ForgetRatio)), 0, Math.Min(steps, positions.Length - Slot));
        return [.. positions[..Slot], .. positions[(Slot + leaving)..]];
    }
}
