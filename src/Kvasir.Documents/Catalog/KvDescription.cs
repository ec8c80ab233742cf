namespace Kvasir.Documents.Catalog;

/// <summary>What the KV files of one key are of, and how fast they were computed.</summary>
internal sealed record KvDescription(KvKey Key)
{
    /// <summary>Tokens per second below which a damaged description is the likelier explanation.</summary>
    private const double LeastSpeed = 1e-3;

    /// <summary>Tokens prefilled while ingesting, and the time they took.</summary>
    public long MeasuredTokens { get; init; }

    /// <inheritdoc cref="MeasuredTokens"/>
    public double MeasuredSeconds { get; init; }

    public double? TokensPerSecond =>
        MeasuredTokens > 0 && MeasuredSeconds > 0
            && MeasuredTokens / MeasuredSeconds is > LeastSpeed and < double.PositiveInfinity and var speed ? speed : null;
}
