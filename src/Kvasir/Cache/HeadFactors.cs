namespace Kvasir.Cache;

/// <summary>
/// The two factors of one kv head's keys. Of a key k (before its rotation where <see cref="BeforeRotation"/>, else as attention multiplies
/// it) the cache keeps c = <see cref="Down"/> (k - <see cref="Mean"/>), and k is taken to be <see cref="Up"/> c + <see cref="Mean"/>.
/// </summary>
internal sealed class HeadFactors
{
    /// <param name="beforeRotation">Whether the factors are of keys before their rotation.</param>
    /// <param name="channels">Size of a key.</param>
    /// <param name="down">[rank, channels]</param>
    /// <param name="up">[channels, rank]</param>
    /// <param name="mean">[channels], or empty for none.</param>
    public HeadFactors(bool beforeRotation, int channels, float[] down, float[] up, float[] mean)
    {
        if (down.Length % channels != 0 || down.Length < channels || up.Length != down.Length || mean.Length is not 0
            && mean.Length != channels)
            throw new ArgumentException($"factors of {down.Length} and {up.Length} numbers for keys of {channels}", nameof(down));
        (BeforeRotation, Channels, Down, Up, Mean) = (beforeRotation, channels, down, up, mean);
    }

    public bool BeforeRotation { get; }

    public int Channels { get; }

    /// <summary>Numbers that are kept of a key.</summary>
    public int Rank => Down.Length / Channels;

    public float[] Down { get; }

    public float[] Up { get; }

    public float[] Mean { get; }
}
