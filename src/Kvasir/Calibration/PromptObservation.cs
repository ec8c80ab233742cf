using Kvasir.Cache;
using Kvasir.Cache.Eviction;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>Reads a prompt for what can be observed of its attention, and keeps nothing else of it.</summary>
internal static class PromptObservation
{
    /// <summary>The layers of a prompt, with what was asked for.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">The prompt.</param>
    /// <param name="what">What to observe.</param>
    /// <param name="embeddings">What stands behind ids below 0.</param>
    /// <param name="cancellation">Ends the work between slices of 512 tokens.</param>
    /// <exception cref="InvalidInputException">It is empty, longer than the model's context, or holds ids that the model does not
    /// know.</exception>
    public static ScoredLayer[] Of(Model model, ReadOnlySpan<int> ids, ObservedAttention what, InputEmbeddings? embeddings = null,
        CancellationToken cancellation = default)
    {
        if (ids.IsEmpty) throw new InvalidInputException("a sample is empty; give at least one token");
        using KvCache cache = model.NewCache(new KvPolicy { Keys = "f32", Values = "f32" });
        var observed = new AttentionStatistics(model.CacheLayout, what, 0, ids.Length, ids.Length, 0);
        cache.Observed = observed;
        using var batch = new Batch();
        batch.Add(cache, ids, LogitRows.None, embeddings);
        model.Forward(batch, cancellation);
        int count = ids.Length;
        return [.. model.CacheLayout.Layers.Select((layout, layer) =>
            new ScoredLayer { Layout = layout, Count = count, Attention = observed[layer], Keys = _ => [] })];
    }
}
