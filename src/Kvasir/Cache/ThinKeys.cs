namespace Kvasir.Cache;

/// <summary>
/// The term <c>thin=RANK|SHARE%</c> of a policy: so many numbers are kept of each key, or so much of the key cache is saved, by the factors
/// that the policy's profile holds. Once these are known (<see cref="Calibration.AutoPolicies.Prepare"/>) the term names them too, as in
/// <c>thin=50%@0123456789abcdef</c>, so that what was kept by other factors is another policy's.
/// </summary>
/// <param name="Rank">Numbers of each key, on average over heads; null where a share is given.</param>
/// <param name="Share">The share of the key cache that is saved; null where a rank is given.</param>
/// <param name="Identity">The first digits of the identity of the factors; null where any are meant.</param>
public sealed record ThinKeys(int? Rank, double? Share, string? Identity = null)
{
    private const string Prefix = "thin";

    private const int IdentityDigits = 16;

    /// <summary>The factors; null before they are known.</summary>
    internal KeyFactors? Factors { get; init; }

    internal static ThinKeys Parse(string value)
    {
        string[] parts = value.Split('@');
        string? identity = parts.Length > 1 ? parts[1] : null;
        bool known = identity is null || (identity.Length == IdentityDigits && identity.All(char.IsAsciiHexDigitLower));
        if (parts.Length <= 2 && known)
        {
            if (int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int rank) && rank > 0)
                return new ThinKeys(rank, null, identity);
            if (Percent.TryParse(parts[0], out double share) && share < 1) return new ThinKeys(null, share, identity);
        }
        throw new InvalidInputException(
            $"KV policy: thin={value} must be a rank (as in thin=32) or the share of the key cache to save (above 0% and below 100%, as "
            + $"in thin=50%)");
    }

    /// <inheritdoc/>
    public bool Equals(ThinKeys? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() =>
        (Rank is int rank ? rank.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{Share * 100:0.######}%")) + (Identity is null ? "" : $"@{Identity}");

    /// <summary>Numbers of a key of so many channels.</summary>
    /// <exception cref="InvalidInputException">The rank is above the head size.</exception>
    internal int RankOf(int channels)
    {
        if (Rank > channels) throw new InvalidInputException($"KV policy: thin={Rank} is above the model's head size of {channels}");
        if (Rank is null ? Share is not (> 0 and < 1) : Rank < 1)
            throw new InvalidInputException($"KV policy: thin={this} is neither a rank from 1 on nor a share above 0% and below 100%");
        return Rank ?? Math.Max(1, (int)Math.Round(channels * (1 - Share!.Value)));
    }

    /// <summary>Ranks of all heads of a model together.</summary>
    internal int TotalRank(KvLayout layout) => layout.Layers.Sum(layer => layer.KvHeads * RankOf(layer.KeyChannels));

    /// <summary>The name, as files carry it, of a head's thin codec around another.</summary>
    internal string CodecName(int layer, int head, string inner) =>
        Factors is null
            ? throw new InvalidInputException(
                $"KV policy: thin={this} needs factors: name their file (as in thin=50%,profile=FILE), which kvasir factor makes, and "
                + $"prepare the policy with Model.Prepare")
            : $"{Prefix}{Factors.Layers[layer][head].Rank}@{Factors.ShortIdentity}/{inner}";

    /// <summary>The parts of such a name; null for another codec's.</summary>
    internal static (int Rank, string Identity, string Inner)? ParseCodecName(string name)
    {
        int at = name.IndexOf('@', StringComparison.Ordinal), slash = name.IndexOf('/', StringComparison.Ordinal);
        return name.StartsWith(Prefix, StringComparison.Ordinal) && at > 0 && slash == at + 1 + IdentityDigits
            && int.TryParse(name.AsSpan(Prefix.Length, at - Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int rank)
            ? (rank, name[(at + 1)..slash], name[(slash + 1)..]) : null;
    }
}
