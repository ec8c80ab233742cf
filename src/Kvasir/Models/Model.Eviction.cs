using Kvasir.Cache;
using Kvasir.Cache.Eviction;

namespace Kvasir.Models;

/// <content>The one place where a policy evicts tokens: behind the pass that brings a cache to the end of its prompt, or of a run of
/// decoded tokens.</content>
public sealed partial class Model
{
    /// <summary>What the model reads before a text when it is to show which of its tokens it needs to repeat it.</summary>
    internal const string RepeatRequest = "Repeat the previous text:\n\n";

    private const int RereadTokens = 2048, LeastRereadTokens = 64, Overlap = 8;

    private void Evict(Batch batch, in BatchEntry entry)
    {
        KvCache cache = entry.Cache;
        if (cache.Region is not { } region || entry.Repairs) return;
        for (int i = 0; i < entry.Count; i++) region.Append(batch.Id(entry.FirstId + i), cache.Length - entry.Count + i);
        if (!cache.IsRegionFull) return;
        long started = Stopwatch.GetTimestamp();
        AttentionStatistics? again = RereadKinds(cache) is var kinds and not Observations.None
            ? ReadAgain(cache, region, kinds, entry.Embeddings) : null;
        cache.Evict(again is null ? null : new SecondReading(again, _transformer.OutputGram));
        again?.Free();
        cache.EvictionTime += Stopwatch.GetElapsedTime(started);
    }

    private static Observations RereadKinds(KvCache cache) =>
        cache.Policy.Eviction?.NeedsOfSecondReading ?? Observations.None;

    /// <summary>Reads the region's text behind the cache, part by part, each behind a request to repeat it.</summary>
    private AttentionStatistics ReadAgain(KvCache cache, EvictionRegion region, Observations kinds, InputEmbeddings? embeddings)
    {
        int[] request = Tokenizer.Encode(RepeatRequest, parseSpecial: false), ids = [.. region.Ids];
        int part = Math.Min(RereadTokens, Config.ContextLength - cache.Length - request.Length - Overlap);
        var again = new AttentionStatistics(CacheLayout, new ObservedAttention(kinds), region.First, region.Count, int.MaxValue,
            cache.Length, isFreed: true);
        using var batch = new Batch();
        for (int at = 0, count; at < ids.Length; at += count)
        {
            count = _spec.RunsSeeThemselves ? EmbeddedRuns.Together(ids.AsSpan(at), part) : Math.Min(part, ids.Length - at);
            int before = Math.Max(0, at - Overlap);
            while (_spec.RunsSeeThemselves && before < at && ids[before] < 0) before++;
            using KvCache read = cache.Fork();
            (read.Observed, read.Steering) = (again, null);
            batch.Clear();
            batch.Add(read, [.. request, .. ids[before..(at + count)]], LogitRows.None, embeddings);
            Run(batch, CancellationToken.None);
        }
        return again;
    }

    /// <exception cref="InvalidInputException">The context has no room to read the prompt a second time.</exception>
    private void CheckSecondReading(KvCache cache)
    {
        if (cache.Region is not { IsPrompt: true } region || RereadKinds(cache) == Observations.None) return;
        int longest = Config.ContextLength - LeastRereadTokens - Overlap - Tokenizer.Encode(RepeatRequest, parseSpecial: false).Length;
        if (region.End > longest)
            throw new InvalidInputException(
            $"the prompt has "
            + $"{region.End} tokens; evict={cache.Policy.Eviction!.Method} reads it a second time, for which the model's context of "
            + $"{Config.ContextLength} has room up to {longest}; shorten it or take another method");
    }
}
