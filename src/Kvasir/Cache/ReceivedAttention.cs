using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>
/// The largest attention weight that each of a range of positions gets from the queries of forward passes, by layer and kv head, over the query heads of
/// the group: a statistic that a pass gives when it is asked for. The scores are computed a second time, with the sums of the softmax known.
/// </summary>
internal sealed unsafe class ReceivedAttention(int layers, int kvHeads, int first, int count, int workers)
{
    private readonly float[][] _ofWorker = [.. Enumerable.Range(0, workers).Select(_ => new float[layers * kvHeads * count])];

    /// <summary>The largest weights of one head, by position.</summary>
    public float[] Most(int layer, int head)
    {
        var most = new float[count];
        foreach (float[] weights in _ofWorker)
            for (int i = 0; i < count; i++) most[i] = Math.Max(most[i], weights[(layer * kvHeads + head) * count + i]);
        return most;
    }

    /// <summary>
    /// Takes in one tile of queries, which lie scaled in the scratch, after its attention over <paramref name="head"/> has left <paramref name="maximum"/>
    /// and <paramref name="sum"/> of each row's softmax.
    /// </summary>
    public void Add(int worker, int layer, int kvHead, HeadCache head, LayerLayout layout, AttentionKernels kernels, in QueryTile tile, AttentionScratch scratch, float* maximum, float* sum)
    {
        Span<float> weights = _ofWorker[worker].AsSpan((layer * kvHeads + kvHead) * count, count);
        foreach (KvSegment segment in head.Segments)
            for (int b = 0; b < segment.BlockCount; b++)
            {
                int position = segment.FirstPosition + b * KvBlock.Tokens;
                if (position >= first + count || position + KvBlock.Tokens <= first) continue;
                if (segment.Offset != 0 || segment.Kept is not null) throw new InvalidOperationException("attention received is told of tokens that stand where they were computed");
                segment.Codec.Keys.Decode(segment.Keys(b), layout.KeyChannels, scratch.Block, segment.Context(layout, b));
                AddBlock(scratch.Block, position, segment.CountIn(b), weights, layout, kernels, tile, scratch, maximum, sum);
            }
        for (int b = 0; b < head.Tail.BlockCount; b++)
        {
            int position = head.TailPosition + b * KvBlock.Tokens;
            if (position < first + count && position + KvBlock.Tokens > first) AddBlock(head.Tail.Keys(b), position, head.Tail.CountIn(b), weights, layout, kernels, tile, scratch, maximum, sum);
        }
    }

    private void AddBlock(float* keys, int position, int tokens, Span<float> weights, LayerLayout layout, AttentionKernels kernels, in QueryTile tile, AttentionScratch scratch, float* maximum, float* sum)
    {
        kernels.Multiply(scratch.Queries, layout.KeyChannels, keys, tile.Rows, layout.KeyChannels, KvBlock.Tokens, scratch.Scores, KvBlock.Tokens, accumulate: false);
        for (int r = 0; r < tile.Rows; r++)
        {
            int own = tile.PositionOf(r), from = Math.Max(first, layout.Window == int.MaxValue ? 0 : own - layout.Window + 1), end = Math.Min(Math.Min(first + count, position + tokens), own + 1);
            for (int p = Math.Max(from, position); p < end; p++)
            {
                float score = scratch.Scores[r * KvBlock.Tokens + p - position];
                if (tile.SoftCap != 0) score = tile.SoftCap * MathF.Tanh(score / tile.SoftCap);
                if (tile.IsSteered(r)) score += tile.Steering!.At(p);
                ref float most = ref weights[p - first];
                most = Math.Max(most, MathF.Exp(score - maximum[r]) / sum[r]);
            }
        }
    }
}
