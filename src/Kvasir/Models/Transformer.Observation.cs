using System.Numerics.Tensors;
using Kvasir.Cache;
using Kvasir.Memory;
using Kvasir.Numerics;

namespace Kvasir.Models;

/// <content>The second pass over scores, for sequences whose attention is observed.</content>
internal sealed unsafe partial class Transformer
{
    private const int TileRows = 48, PartsOfHead = 4;

    /// <summary>
    /// Heads and ranges of blocks, dealt out one by one. All queries of a range are taken by one worker and in their order, so sums do not
    /// depend on who computes what.
    /// </summary>
    private void Observe(int worker, int layer)
    {
        LayerSpec spec = _spec.Layers[layer];
        int ofEntry = spec.KvHeads * PartsOfHead, count = ofEntry * _slice.Entries.Count;
        for (int next = Interlocked.Increment(ref _nextObserved) - 1; next < count; next = Interlocked.Increment(ref _nextObserved) - 1)
        {
            SliceEntry entry = _slice.Entries[next / ofEntry];
            if (entry.Observed?[layer] is not { } observed) continue;
            int kvHead = next % ofEntry / PartsOfHead, part = next % PartsOfHead;
            if (observed.WantsWeights) ObserveWeights(worker, layer, entry,
                new AttentionItem(next / ofEntry, kvHead, 0, 0, part, PartsOfHead, 0), observed);
            if (observed.WantsQueries && part == 0) ObserveQueries(worker, layer, entry, kvHead, observed);
        }
    }

    private void ObserveWeights(int worker, int layer, in SliceEntry entry, AttentionItem item, LayerAttention observed)
    {
        LayerSpec spec = _spec.Layers[layer];
        LayerCache cache = entry.Cache.Layers[layer];
        HeadCache head = cache.Heads[item.KvHead];
        (int First, int End) blocks = (head.BlockCount * item.Part / item.Parts, head.BlockCount * (item.Part + 1) / item.Parts);
        float* logSums = (float*)_buffers.Tile[worker];
        int tileTokens = Math.Max(1, TileRows / spec.Group);
        for (int token = 0; token < entry.Tokens; token += tileTokens)
        {
            item = item with { FirstToken = token, Tokens = Math.Min(tileTokens, entry.Tokens - token) };
            QueryTile tile = TakeQueries(layer, entry, item, _buffers.Scratch[worker]);
            for (int r = 0; r < tile.Rows; r++) logSums[r] = *LogSum(spec, entry, item, r);
            for (int r = 0; r < tile.Rows && observed.WantsContributions; r++)
                logSums[r] += MathF.Log(TensorPrimitives.Norm(new ReadOnlySpan<float>(_buffers.ResidualRow(RowOf(spec, entry, item, r)),
                    _config.Width)));
            BlockAttention.Observe(head, item.KvHead, cache.Layout, _attention, tile, blocks, _buffers.Scratch[worker], logSums, observed);
        }
    }

    /// <summary>Adds up the queries of a group, turned back to where they were before their rotation, and their outer products.</summary>
    private void ObserveQueries(int worker, int layer, in SliceEntry entry, int kvHead, LayerAttention observed)
    {
        LayerSpec spec = _spec.Layers[layer];
        AttentionScratch scratch = _buffers.Scratch[worker];
        int size = spec.KeySize;
        const int rows = AttentionScratch.MaxRows;
        float* queries = scratch.Queries, turned = scratch.Rerotated; // [rows, size] and [size, rows]
        for (int member = 0; member < spec.Group; member++)
        {
            int head = kvHead * spec.Group + member;
            for (int first = 0; first < entry.Tokens; first += rows)
            {
                int count = Math.Min(rows, entry.Tokens - first);
                new Span<float>(turned, size * rows).Clear();
                new Span<float>(queries, size * rows).Clear();
                for (int r = 0; r < count; r++) TakeUnrotated(layer, entry.FirstRow + first + r, head, queries + r * size,
                    observed.QuerySum(head));
                for (int r = 0; r < count; r++)
                    for (int c = 0; c < size; c++) turned[c * rows + r] = queries[r * size + c];
                fixed (float* products = observed.QueryProducts(head)) _attention.Multiply(new(turned, rows), queries, size, rows, size,
                    new(products, size), accumulate: true);
            }
        }
    }

    private void TakeUnrotated(int layer, int row, int head, float* query, Span<float> sum)
    {
        LayerSpec spec = _spec.Layers[layer];
        if (_slice.Position(row) < AttentionStatistics.FirstMeantQuery) return;
        var taken = new Span<float>(query, spec.KeySize);
        TensorPrimitives.Multiply(new ReadOnlySpan<float>(_buffers.Query + (long)row * _buffers.QueryWidth + head * spec.KeySize,
            spec.KeySize), _spec.AttentionScale, taken);
        if (_rotaryOf[layer] is var choice and >= 0)
        {
            Rotary rotary = RotaryFor(choice, row);
            float* table = stackalloc float[rotary.TableLength];
            TensorPrimitives.Divide(new ReadOnlySpan<float>(RotaryTable(choice, row), rotary.TableLength), rotary.Magnitude,
                new Span<float>(table, rotary.TableLength));
            TensorPrimitives.Negate(new ReadOnlySpan<float>(table + rotary.Dimensions, rotary.Dimensions),
                new Span<float>(table + rotary.Dimensions, rotary.Dimensions));
            rotary.Rotate(query, table);
        }
        TensorPrimitives.Add(sum, taken, sum);
    }

    /// <summary>
    /// The products of the columns by which the output projection reads a query head, [channels, channels]: v·gram·v is the squared length
    /// of what a value v adds.
    /// </summary>
    public float[] OutputGram(int layer, int head)
    {
        int size = _spec.Layers[layer].ValueSize, width = _config.Width;
        using var units = new Activations(size, _spec.Layers[layer].Heads * size);
        using var columns = new NativeBuffer((long)size * width * sizeof(float));
        for (int c = 0; c < size; c++)
        {
            new Span<float>(units.Row(c), units.Columns).Clear();
            units.Row(c)[head * size + c] = 1;
        }
        units.Quantize(0, size, 0, units.Columns);
        float* output = (float*)columns.Pointer;
        _weights.Layers[layer].Output.Matrix.Multiply(units, 0, size, 0, width, new(output, width), null, accumulate: false);
        var gram = new float[size * size];
        for (int a = 0; a < size; a++)
            for (int b = 0; b < size; b++)
                gram[a * size + b] = TensorPrimitives.Dot(new ReadOnlySpan<float>(output + (long)a * width, width),
                    new ReadOnlySpan<float>(output + (long)b * width, width));
        return gram;
    }
}
