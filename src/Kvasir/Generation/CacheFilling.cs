using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>
/// What makes the keys and values that a sequence begins with, once the bytes for them are promised: on a thread of its own, so that others
/// go on meanwhile.
/// </summary>
/// <param name="Policy">How the sequence is kept.</param>
/// <param name="Parts">Parts that it is put together from, each of which may end with a short block.</param>
/// <param name="RepairedTokens">Tokens that are computed anew in place of others, and kept beside them in float32.</param>
/// <param name="Fill">Makes the cache, in this pool.</param>
internal sealed record CacheFilling(KvPolicy Policy, int Parts, int RepairedTokens, Func<BlockPool, KvCache> Fill)
{
    /// <summary>The most bytes of a sequence that grows to <paramref name="tokens"/>, as if nothing of it were mapped.</summary>
    public long MostBytes(KvForecast forecast, int tokens) =>
        forecast.MostBytes(tokens + Parts * (KvBlock.Tokens - 1)) + forecast.RepairedBytes(RepairedTokens);
}
