namespace Kvasir.Documents.Asking;

/// <summary>
/// Which tokens of placed chunks are computed anew where they stand, so that they know of what comes before: the first ones of each chunk,
/// or those whose keys and values deviate most (CacheBlend, Yao et al. 2024). The first chunk behind the prefix it was computed behind
/// needs none.
/// </summary>
public sealed record ChunkRepair
{
    private ChunkRepair(int tokens, double share) => (Tokens, Share) = (tokens, share);

    /// <summary>None.</summary>
    public static ChunkRepair Off { get; } = new(0, 0);

    /// <summary>The first block of each chunk: 32 tokens.</summary>
    public static ChunkRepair FirstBlock { get; } = new(32, 0);

    /// <summary>First tokens of each chunk; 0 for none.</summary>
    public int Tokens { get; }

    /// <summary>Share of all chunks' tokens, by deviation; 0 for none.</summary>
    public double Share { get; }

    /// <summary>Reads <c>off</c>, a number of tokens (<c>32</c>) or a share (<c>15%</c>).</summary>
    /// <exception cref="InvalidInputException">None of these.</exception>
    public static ChunkRepair Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == "off") return Off;
        if (Percent.TryParse(text, out double share)) return new ChunkRepair(0, share);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int tokens) && tokens <= 1 << 20
            ? new ChunkRepair(tokens, 0)
            : throw new InvalidInputException($"repair={text}: give off, a number of tokens (32) or a share (15%)");
    }

    /// <inheritdoc/>
    public override string ToString() =>
        Share > 0 ? string.Create(CultureInfo.InvariantCulture, $"{Share * 100:0.###}%")
            : Tokens > 0 ? Tokens.ToString(CultureInfo.InvariantCulture) : "off";
}
