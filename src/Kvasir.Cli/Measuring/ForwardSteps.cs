namespace Kvasir.Cli.Measuring;

/// <summary>Forward passes of measurements: prompts in slices, then token by token. An interrupt ends them between two.</summary>
internal sealed class ForwardSteps(Model model, Terminal terminal) : IDisposable
{
    private const int PrefillSlice = 512;
    private readonly Batch _batch = new();

    public Model Model { get; } = model;

    /// <summary>What stands behind ids below 0.</summary>
    public InputEmbeddings? Embeddings { get; init; }

    /// <summary>
    /// Feeds ids in slices of 512, or with pictures, which must not be cut, in one pass; with <paramref name="logits"/> the last one's are
    /// left. Into an empty cache it is the prompt that a policy evicts from.
    /// </summary>
    public void Prefill(KvCache cache, ReadOnlySpan<int> ids, bool logits = false)
    {
        if (cache.Length == 0 && !ids.IsEmpty) cache.BeginPrompt(ids);
        int slice = Embeddings is null ? PrefillSlice : ids.Length;
        for (int at = 0; at < ids.Length; at += slice)
        {
            int count = Math.Min(slice, ids.Length - at);
            Feed(cache, ids.Slice(at, count), logits && at + count == ids.Length ? LogitRows.Last : LogitRows.None);
        }
    }

    /// <summary>Prefills ids without meaning, scattered over the vocabulary and the same in every run.</summary>
    public void Fill(KvCache cache, int tokens, bool logits = false) =>
        Prefill(cache, [.. Enumerable.Range(0, tokens).Select(ScatteredId)], logits);

    /// <summary>Feeds ids in one pass.</summary>
    public void Feed(KvCache cache, ReadOnlySpan<int> ids, LogitRows rows)
    {
        terminal.Interrupted.ThrowIfCancellationRequested();
        _batch.Clear();
        _batch.Add(cache, ids, rows, Embeddings);
        Model.Forward(_batch, terminal.Interrupted);
    }

    /// <summary>Feeds one id to several caches in one pass; row i of the logits is of cache i.</summary>
    public void Step(ReadOnlySpan<KvCache> caches, int id)
    {
        terminal.Interrupted.ThrowIfCancellationRequested();
        _batch.Clear();
        foreach (KvCache cache in caches) _batch.Add(cache, [id]);
        Model.Forward(_batch);
    }

    /// <summary>Logits of the last pass, [vocabulary].</summary>
    public ReadOnlySpan<float> Logits(int row = 0) => _batch.Logits(row);

    public int ScatteredId(int index) => (int)((1000 + index * 7919L) % Math.Min(20000, Model.Config.Vocabulary));

    public void Dispose() => _batch.Dispose();
}
