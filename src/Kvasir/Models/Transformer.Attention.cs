using System.Numerics.Tensors;
using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Models;

/// <content>Queries, keys and values, and the attention between them.</content>
internal sealed unsafe partial class Transformer
{
    private void ProjectQueryKeyValue(int worker, int layer, LayerWeights weights)
    {
        _verification.ReadAhead(worker, _workers.Running, layer);
        if (worker == 0)
        {
            foreach (SliceEntry entry in _slice.Entries) entry.Step.Open(layer, entry.Tokens);
            _plan.Build(_slice, layer);
            Volatile.Write(ref _nextObserved, 0);
        }
        for (int entry = 0; entry < _slice.Entries.Count;) entry = ProjectQueryKey(worker, layer, weights, entry);
        Multiply(worker, weights.Value, _buffers.Input, _buffers.Value, _buffers.ValueWidth, accumulate: false);
        _verification.Check(layer);
    }

    /// <summary>
    /// Queries and keys of the sequences from one on that are projected by the same weights; the first sequence after them.
    /// </summary>
    private int ProjectQueryKey(int worker, int layer, LayerWeights weights, int first)
    {
        TunedProjections? tuned = TunedOf(first);
        int end = first + 1, row = _slice.Entries[first].FirstRow;
        while (end < _slice.Entries.Count && TunedOf(end) == tuned) end++;
        int rows = (end < _slice.Entries.Count ? _slice.Entries[end].FirstRow : _slice.Rows) - row;
        Project(tuned?.Query(layer) ?? weights.Query, _buffers.Query, _buffers.QueryWidth);
        Project(tuned?.Key(layer) ?? weights.Key, _buffers.Key, _buffers.KeyWidth);
        return end;

        void Project(Linear linear, float* output, int width)
        {
            (int firstOutput, int endOutput) = Share(worker, linear.Matrix.Rows, linear.Matrix.RowGranularity);
            if (firstOutput == endOutput) return;
            fixed (float* bias = linear.Bias)
                linear.Matrix.Multiply(_buffers.Input, row, rows, firstOutput, endOutput, new(output + (long)row * width, width), bias,
                    accumulate: false);
        }
    }

    private TunedProjections? TunedOf(int entry) =>
        _slice.Entries[entry].Cache.Policy.Thin?.Identity is { } factors ? Tuned.GetValueOrDefault(factors) : null;

    private void RotateAndAppend(int layer, LayerWeights weights, int row)
    {
        LayerSpec spec = _spec.Layers[layer];
        int size = spec.KeySize, choice = _rotaryOf[layer];
        float* query = _buffers.Query + (long)row * _buffers.QueryWidth, key = _buffers.Key + (long)row * _buffers.KeyWidth,
            value = _buffers.Value + (long)row * _buffers.ValueWidth;
        Rotary? rotary = choice < 0 ? null : RotaryFor(choice, row);
        float* table = choice < 0 ? null : RotaryTable(choice, row);
        NormWeights? queryNorm = Whole(weights.QueryNorm, query, spec.Heads * size),
            keyNorm = Whole(weights.KeyNorm, key, spec.KvHeads * size);
        for (int h = 0; h < spec.Heads; h++) Prepare(query + h * size, queryNorm);
        SliceEntry entry = _slice.EntryOf(row);
        for (int h = 0; h < spec.KvHeads; h++)
        {
            Prepare(key + h * size, keyNorm);
            entry.Step.Write(layer, h, row - entry.FirstRow, key + h * size, value + h * spec.ValueSize);
        }

        void Prepare(float* head, NormWeights? norm)
        {
            if (norm is not null) norm.Apply(new ReadOnlySpan<float>(head, size), new Span<float>(head, size));
            rotary?.Rotate(head, table);
        }
    }

    private void AddTo(KeyGrams grams, int worker, int layer)
    {
        LayerSpec spec = _spec.Layers[layer];
        int[] positions = [.. Enumerable.Range(0, _slice.Rows).Select(_slice.Position)];
        for (int h = worker; h < spec.KvHeads; h += _workers.Running)
            grams.Add(layer, h, new FloatRows(_buffers.Key + h * spec.KeySize, _buffers.KeyWidth),
                new FloatRows(_buffers.Query + h * spec.Group * spec.KeySize, _buffers.QueryWidth), spec.Group, positions);
    }

    /// <summary>Normalises all heads together where the norm is of that kind; the norm that is left for single heads.</summary>
    private static NormWeights? Whole(NormWeights? norm, float* heads, int width)
    {
        if (norm is null || norm.Length != width) return norm;
        norm.Apply(new ReadOnlySpan<float>(heads, width), new Span<float>(heads, width));
        return null;
    }

    private void Attend(int worker, int layer, in AttentionItem item)
    {
        LayerSpec spec = _spec.Layers[layer];
        SliceEntry entry = _slice.Entries[item.Entry];
        AttentionScratch scratch = _buffers.Scratch[worker];
        QueryTile tile = TakeQueries(layer, entry, item, scratch);
        int rows = tile.Rows;
        LayerCache cache = entry.Cache.Layers[layer];
        HeadCache head = cache.Heads[item.KvHead];
        int blocks = head.BlockCount, firstBlock = blocks * item.Part / item.Parts, endBlock = blocks * (item.Part + 1) / item.Parts;
        if (item.Parts > 1)
        {
            BlockAttention.Attend(head, cache.Layout, _attention, tile, firstBlock, endBlock, scratch, _plan.PartialOutput(item),
                _plan.PartialMaximum(item), _plan.PartialSum(item));
            return;
        }
        float* output = (float*)_buffers.Tile[worker], maximum = output + AttentionScratch.MaxRows * spec.ValueSize, sum = maximum
            + AttentionScratch.MaxRows;
        BlockAttention.Attend(head, cache.Layout, _attention, tile, firstBlock, endBlock, scratch, output, maximum, sum);
        for (int r = 0; r < rows && _observes; r++) *LogSum(spec, entry, item, r) = maximum[r] + MathF.Log(sum[r]);
        BlockAttention.Normalise(_attention, output, rows, spec.ValueSize, sum);
        for (int r = 0; r < rows; r++)
            new ReadOnlySpan<float>(output + r * spec.ValueSize, spec.ValueSize)
                .CopyTo(new Span<float>(OutputRow(spec, entry, item, r), spec.ValueSize));
    }

    /// <summary>Scales the queries of an item into the scratch.</summary>
    private QueryTile TakeQueries(int layer, in SliceEntry entry, in AttentionItem item, AttentionScratch scratch)
    {
        LayerSpec spec = _spec.Layers[layer];
        int rows = item.Tokens * spec.Group;
        for (int r = 0; r < rows; r++)
        {
            var query = new ReadOnlySpan<float>(QueryRow(spec, entry, item, r), spec.KeySize);
            TensorPrimitives.Multiply(query, _spec.AttentionScale, new Span<float>(scratch.Queries + r * spec.KeySize, spec.KeySize));
        }
        RepairedPositions? scattered = entry.Repairs ? entry.Cache.Repaired : null;
        ulong steered = entry.Cache.Steering?.HeadsOf(layer, item.KvHead * spec.Group, spec.Group) ?? 0;
        return new QueryTile(_slice.Position(entry.FirstRow + item.FirstToken), rows, spec.Group, _spec.Causal, _spec.AttentionSoftCap,
            scattered, entry.FirstRepaired + item.FirstToken)
        {
            Steering = steered == 0 ? null : entry.Cache.Steering,
            SteeredHeads = steered,
            LastSeen = _slice.LastSeen,
            FirstRow = entry.FirstRow + item.FirstToken,
        };
    }

    private void MergeParts(LayerSpec spec, int firstRow, int endRow)
    {
        for (int i = 0; i < _plan.Count; i += _plan[i].Parts)
        {
            AttentionItem item = _plan[i];
            if (item.Parts == 1) continue;
            SliceEntry entry = _slice.Entries[item.Entry];
            for (int r = 0; r < item.Tokens * spec.Group; r++)
                if (RowOf(spec, entry, item, r) is var row && row >= firstRow && row < endRow) *LogSum(spec, entry, item, r) =
                    _plan.Merge(i, r, OutputRow(spec, entry, item, r));
        }
    }

    /// <summary>Heads of all sequences, dealt out to the workers one by one.</summary>
    private void SealHeads(int worker, int layer)
    {
        int heads = _spec.Layers[layer].KvHeads;
        for (int i = worker; i < heads * _slice.Entries.Count; i += _workers.Running) _slice.Entries[i / heads].Step.Seal(layer, i % heads);
    }

    private Rotary RotaryFor(int choice, int row) => _buffers.Rotaries[choice].For(_slice.EntryOf(row).SequenceLength);

    private float* RotaryTable(int choice, int row) =>
        (float*)_buffers.RotaryTables[choice] + (long)row * _buffers.Rotaries[choice].Short.TableLength;

    private float* QueryRow(LayerSpec spec, in SliceEntry entry, in AttentionItem item, int row) =>
        _buffers.Query + (long)RowOf(spec, entry, item, row) * _buffers.QueryWidth + HeadOf(spec, item, row) * spec.KeySize;

    private float* OutputRow(LayerSpec spec, in SliceEntry entry, in AttentionItem item, int row) =>
        _buffers.Attention.Row(RowOf(spec, entry, item, row)) + HeadOf(spec, item, row) * spec.ValueSize;

    /// <summary>The slice's row that a query row of an item belongs to.</summary>
    private static int RowOf(LayerSpec spec, in SliceEntry entry, in AttentionItem item, int row) =>
        entry.FirstRow + item.FirstToken + row / spec.Group;

    private float* LogSum(LayerSpec spec, in SliceEntry entry, in AttentionItem item, int row) =>
        _buffers.LogSums + (long)RowOf(spec, entry, item, row) * spec.Heads + HeadOf(spec, item, row);

    private static int HeadOf(LayerSpec spec, in AttentionItem item, int row) => item.KvHead * spec.Group + row % spec.Group;
}
