using Kvasir.Cache;

namespace Kvasir.Models;

/// <content>Placed parts that are brought up to what stands before them.</content>
public sealed partial class Model
{
    /// <summary>
    /// Computes tokens anew in the middle of a cache: they attend to all that stands before them now, and their keys and values take the
    /// place of the stored ones in every layer, in float32, in this cache alone. One pass for all of them. Makes up for parts that were
    /// computed apart from each other (the first tokens of a placed chunk above all). A cache can be repaired once, and not saved
    /// afterwards.
    /// </summary>
    /// <param name="cache">The cache; its tail is sealed.</param>
    /// <param name="positions">Which tokens: positions below its length, strictly ascending.</param>
    /// <param name="ids">The ids of these tokens.</param>
    /// <param name="embeddings">What stands behind ids below 0.</param>
    /// <param name="cancellation">Stops between slices of 512 tokens; the cache is then as before.</param>
    /// <exception cref="KvBudgetExceededException">The pool's budget does not hold the rows.</exception>
    public void Repair(KvCache cache, ReadOnlySpan<int> positions, ReadOnlySpan<int> ids, InputEmbeddings? embeddings = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cache);
        if (positions.Length != ids.Length) throw new ArgumentException($"{ids.Length} ids for {positions.Length} positions", nameof(ids));
        if (positions.IsEmpty) return;
        if (positions[^1] >= cache.Length)
            throw new ArgumentException($"position {positions[^1]} of a cache of {cache.Length} tokens", nameof(positions));
        PrepareRepair(cache);
        cache.Repair(new RepairedPositions(positions));
        FillRepaired(cache, ids, embeddings, cancellation);
    }

    /// <summary>
    /// Repairs the tokens whose stored keys and values differ most from what they are in this context (CacheBlend, Yao et al. 2024). The
    /// first layer is run for all tokens; the second layer's keys and values are then new for all, and their squared distance to the stored
    /// ones, summed over heads and channels, chooses those that go on through all layers.
    /// </summary>
    /// <param name="cache">The cache; its tail is sealed.</param>
    /// <param name="ids">The ids of all its tokens.</param>
    /// <param name="first">The first token that may be chosen.</param>
    /// <param name="count">How many to choose.</param>
    /// <param name="embeddings">What stands behind ids below 0.</param>
    /// <param name="cancellation">Stops between slices of 512 tokens; the cache is then as before.</param>
    /// <returns>The positions chosen, ascending.</returns>
    /// <exception cref="DamagedKvException">A placed file, not checked before, is damaged.</exception>
    /// <exception cref="KvBudgetExceededException">The pool's budget does not hold the rows.</exception>
    public IReadOnlyList<int> RepairMostDeviating(
        KvCache cache, ReadOnlySpan<int> ids, int first, int count, InputEmbeddings? embeddings = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(cache);
        PrepareRepair(cache);
        using KvCache known = KnownAtSecondLayer(cache, ids, embeddings, cancellation);
        float[] deviation = Deviations(cache, known, first);
        int[] chosen = [.. Enumerable.Range(0, deviation.Length).OrderByDescending(token => deviation[token]).Take(count).Order()
            .Select(token => first + token)];
        if (chosen.Length == 0) return chosen;
        cache.Repair(new RepairedPositions(chosen), known, SecondLayer);
        var chosenIds = new int[chosen.Length];
        for (int i = 0; i < chosen.Length; i++) chosenIds[i] = ids[chosen[i]];
        FillRepaired(cache, chosenIds, embeddings, cancellation);
        return chosen;
    }

    /// <summary>
    /// By token from <paramref name="first"/> on: how far its stored keys and values at the second layer are from the known ones.
    /// </summary>
    internal float[] Deviations(KvCache cache, KvCache known, int first)
    {
        cache.Files.Verify(SecondLayer);
        var deviation = new float[cache.Length - first];
        foreach ((HeadCache stored, HeadCache exact) in cache.Layers[SecondLayer].Heads.Zip(known.Layers[SecondLayer].Heads))
            KvDeviation.Add(stored, exact.Tail, CacheLayout.Layers[SecondLayer], first, deviation);
        return deviation;
    }

    /// <summary>
    /// A cache in float32 that knows the keys and values of all tokens at the second layer, unsealed, and nothing behind it.
    /// </summary>
    internal KvCache KnownAtSecondLayer(
        KvCache cache, ReadOnlySpan<int> ids, InputEmbeddings? embeddings = null, CancellationToken cancellation = default)
    {
        if (ids.Length != cache.Length) throw new ArgumentException($"{ids.Length} ids for a cache of {cache.Length} tokens", nameof(ids));
        KvCache known = NewCache(new KvPolicy { Keys = "f32", Values = "f32" });
        try
        {
            using var batch = new Batch();
            batch.Add(known, ids, LogitRows.None, embeddings);
            Check(batch);
            lock (_turn) Run(batch, cancellation, SecondLayer);
            return known;
        }
        catch
        {
            known.Dispose();
            throw;
        }
    }

    private int SecondLayer => Math.Min(1, Config.Layers - 1);

    private static void PrepareRepair(KvCache cache)
    {
        if (cache.Repaired is not null) throw new InvalidOperationException("the cache has been repaired already");
        cache.Seal();
    }

    private void FillRepaired(KvCache cache, ReadOnlySpan<int> ids, InputEmbeddings? embeddings, CancellationToken cancellation)
    {
        using var batch = new Batch();
        batch.AddRepaired(cache, ids, embeddings);
        try
        {
            Check(batch);
            // Behind the last layer's keys and values there is nothing that anyone asks for.
            lock (_turn) Run(batch, cancellation, keysOfLayer: Config.Layers - 1);
        }
        catch
        {
            cache.Unrepair();
            throw;
        }
    }
}
