namespace Kvasir.Cli.Measuring;

/// <summary>What a cache filled with <c>Tokens</c> tokens takes.</summary>
/// <param name="Tokens">Its length.</param>
/// <param name="KvBytes">Bytes that it holds.</param>
/// <param name="PeakBytes">The most memory of the whole process while it was filled.</param>
/// <param name="PeakIsOwn">Whether that peak is of this measurement alone, and not since the process started.</param>
internal sealed record Footprint(int Tokens, long KvBytes, long PeakBytes, bool PeakIsOwn)
{
    public double BytesPerToken => (double)KvBytes / Tokens;

    /// <summary>Fills a cache with a text, for what a policy evicts depends on it.</summary>
    public static Footprint Measure(ForwardSteps steps, KvPolicy policy, int[] text)
    {
        bool own = PeakMemory.Reset();
        using KvCache cache = steps.Model.NewCache(policy);
        steps.Prefill(cache, text);
        return new Footprint(text.Length, cache.Bytes, PeakMemory.Read(), own);
    }
}
