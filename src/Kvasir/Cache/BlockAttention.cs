using System.Numerics;
using System.Numerics.Tensors;
using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>
/// Attention of a tile of queries over the blocks of one kv head, in one pass with a running maximum and sum (online softmax).
/// A block of keys and values is read once for all heads of the group; few rows read the encoded bytes, many share one decoded copy.
/// </summary>
internal static unsafe class BlockAttention
{
    /// <summary>From this many rows on a block is decoded once instead of being converted for every few rows.</summary>
    private const int DecodeRows = 12;

    /// <summary>
    /// Adds blocks [firstBlock, endBlock) (segments first, then repaired rows, then the tail) to the running result of the tile whose
    /// scaled queries lie in the scratch:
    /// <paramref name="output"/> [rows, value channels] not normalised, <paramref name="maximum"/> and <paramref name="sum"/> [rows].
    /// </summary>
    public static void Attend(HeadCache head, LayerLayout layout, AttentionKernels kernels, in QueryTile tile, int firstBlock, int endBlock,
        AttentionScratch scratch, float* output, float* maximum, float* sum)
    {
        for (int r = 0; r < tile.Rows; r++) (maximum[r], sum[r]) = (float.NegativeInfinity, 0);
        new Span<float>(output, tile.Rows * layout.ValueChannels).Clear();

        Walk(head, layout, kernels, tile, firstBlock, endBlock, scratch, new Pass(layout, kernels, tile, scratch, output, maximum, sum));
    }

    /// <summary>
    /// Computes the scores of the same blocks again and adds the weights to <paramref name="observer"/>: e^(score -
    /// <paramref name="logSum"/>), by row the logarithm of
    /// the softmax's sum over all blocks.
    /// </summary>
    public static void Observe(HeadCache head, int kvHead, LayerLayout layout, AttentionKernels kernels, in QueryTile tile,
        (int First, int End) blocks, AttentionScratch scratch, float* logSum, LayerAttention observer) =>
        Walk(head, layout, kernels, tile, blocks.First, blocks.End, scratch,
            new Pass(layout, kernels, tile, scratch, null, logSum, null) { Observer = observer, KvHead = kvHead });

    /// <summary>Divides the rows by their sums.</summary>
    public static void Normalise(AttentionKernels kernels, float* output, int rows, int channels, float* sum)
    {
        for (int r = 0; r < rows; r++) kernels.Scale(output + r * channels, channels, 1 / sum[r]);
    }

    private static void Walk(HeadCache head, LayerLayout layout, AttentionKernels kernels, in QueryTile tile, int firstBlock,
        int endBlock, AttentionScratch scratch, Pass pass)
    {
        int block = 0;
        IReadOnlyList<KvSegment> segments = head.Segments;
        for (int s = 0; s < segments.Count && block < endBlock; s++)
        {
            KvSegment segment = segments[s];
            int first = Math.Max(firstBlock - block, 0), end = Math.Min(endBlock - block, segment.BlockCount);
            block += segment.BlockCount;
            if (first < end)
                pass.Over(new SegmentBlocks(segment, layout, head.Repaired?.Positions), Rerotate(segment, layout, tile.Rows, scratch),
                    first, end, After(head, s));
        }
        if (head.Repaired is { } repaired)
        {
            int first = Math.Max(firstBlock - block, 0), end = Math.Min(endBlock - block, repaired.Rows.BlockCount);
            block += repaired.Rows.BlockCount;
            if (first < end) pass.Over(new FloatBlocks(repaired.Rows, 0, repaired.Positions, kernels), scratch.Queries, first, end, null);
        }
        int firstOfTail = Math.Max(firstBlock - block, 0), endOfTail = Math.Min(endBlock - block, head.Tail.BlockCount);
        if (firstOfTail < endOfTail)
            pass.Over(new FloatBlocks(head.Tail, head.TailPosition, null, kernels), scratch.Queries, firstOfTail, endOfTail, null);
    }

    /// <summary>What is read after a segment: the next one or the tail; null where nothing is.</summary>
    private static byte* After(HeadCache head, int segment)
    {
        if (segment + 1 < head.Segments.Count && head.Segments[segment + 1] is { BlockCount: > 0 } next) return next.Keys(0);
        return head.Tail.BlockCount > 0 ? (byte*)head.Tail.Keys(0) : null;
    }

    private static float* Rerotate(KvSegment segment, LayerLayout layout, int rows, AttentionScratch scratch)
    {
        if (segment.Offset == 0 || layout.Rotary is not { } rotary) return scratch.Queries;
        int channels = layout.KeyChannels;
        Buffer.MemoryCopy(scratch.Queries, scratch.Rerotated, (long)AttentionScratch.MaxRows * channels * sizeof(float),
            (long)rows * channels * sizeof(float));
        rotary.FillTable(-segment.Offset, new Span<float>(scratch.Table, rotary.TableLength), withMagnitude: false);
        for (int r = 0; r < rows; r++) rotary.Rotate(scratch.Rerotated + r * channels, scratch.Table);
        return scratch.Rerotated;
    }

    /// <summary>The state of one call, strip by strip.</summary>
    private readonly ref struct Pass(
        LayerLayout layout, AttentionKernels kernels, QueryTile tile, AttentionScratch scratch, float* output, float* maximum, float* sum)
    {
        private readonly bool _decodes = tile.Rows >= DecodeRows;

        /// <summary>What is told of the weights instead of the values being added up; null in attention.</summary>
        public LayerAttention? Observer { get; init; }

        public int KvHead { get; init; }

        private int StripBlocks => _decodes ? AttentionScratch.StripBlocks : AttentionScratch.LongStripBlocks;

        private int Stride => StripBlocks * KvBlock.Tokens;

        public void Over<TBlocks>(TBlocks blocks, float* queries, int first, int end, byte* after) where TBlocks : struct, IAttendedBlocks
        {
            if (tile.Causal) end = Math.Min(end, KvBlock.CountFor(Math.Max(0, blocks.CountUpTo(tile.LastSeenBy(tile.Rows - 1), 0))));
            if (Observer is not null) first = Math.Max(first, Math.Max(0, blocks.CountUpTo(Observer.First - 1, 0)) / KvBlock.Tokens);
            if (layout.Window != int.MaxValue)
                first = Math.Max(first, Math.Max(0, blocks.CountUpTo(tile.PositionOf(0) - layout.Window, 0)) / KvBlock.Tokens);
            for (int block = first; block < end; block += StripBlocks)
            {
                int count = Math.Min(StripBlocks, end - block);
                if (_decodes) DecodedStrip(blocks, queries, block, count);
                else Strip(blocks, queries, block, count, end, after);
            }
        }

        /// <summary>Few rows: straight from the encoded bytes.</summary>
        private void Strip<TBlocks>(TBlocks blocks, float* queries, int first, int count, int end, byte* after)
            where TBlocks : struct, IAttendedBlocks
        {
            byte** keys = stackalloc byte*[AttentionScratch.LongStripBlocks], values = stackalloc byte*[AttentionScratch.LongStripBlocks];
            for (int b = 0; b < count; b++)
            {
                keys[b] = blocks.Data(first + b);
                values[b] = keys[b] + blocks.KeyBytes;
            }
            var strip = new BlockStrip
            {
                Blocks = keys,
                Count = count,
                Channels = layout.KeyChannels,
                Keys = blocks.Context(first),
                Next = values,
                NextBytes = blocks.ValueBytes
            };
            blocks.Scores(strip, queries, tile.Rows, scratch.Scores, Stride);
            Softmax(blocks, first, count);
            if (Observer is not null) return;
            // Behind the last strip the next run is taken to lie in one piece; where it does not, nothing is lost but the fetch.
            bool last = first + count >= end && after != null;
            for (int b = 0; b < count; b++)
                keys[b] = last ? after + b * blocks.KeyBytes : blocks.Data(Math.Min(first + count + b, end - 1));
            strip = new BlockStrip
            {
                Blocks = values,
                Count = count,
                Channels = layout.ValueChannels,
                Next = keys,
                NextBytes = blocks.KeyBytes
            };
            blocks.Accumulate(strip, scratch.Scores, Stride, tile.Rows, output);
        }

        /// <summary>Many rows: each block decoded once for all of them.</summary>
        private void DecodedStrip<TBlocks>(TBlocks blocks, float* queries, int first, int count) where TBlocks : struct, IAttendedBlocks
        {
            int channels = layout.KeyChannels;
            for (int b = 0; b < count; b++)
                kernels.Multiply(new(queries, channels), blocks.Keys(first + b, channels, scratch.Block), tile.Rows, channels,
                    KvBlock.Tokens, new(scratch.Scores + b * KvBlock.Tokens, Stride), accumulate: false);
            Softmax(blocks, first, count);
            if (Observer is not null) return;
            channels = layout.ValueChannels;
            for (int b = 0; b < count; b++)
                kernels.Multiply(new(scratch.Scores + b * KvBlock.Tokens, Stride), blocks.Values(first + b, channels, scratch.Block),
                    tile.Rows, KvBlock.Tokens, channels, new(output, channels), accumulate: true);
        }

        private static int TokensOf<TBlocks>(TBlocks blocks, int first, int count) where TBlocks : struct, IAttendedBlocks =>
            (count - 1) * KvBlock.Tokens + blocks.CountIn(first + count - 1);

        /// <summary>Caps and masks the scores of a strip of blocks, and makes them weights.</summary>
        private void Softmax<TBlocks>(TBlocks blocks, int first, int count) where TBlocks : struct, IAttendedBlocks
        {
            int width = count * KvBlock.Tokens, tokens = TokensOf(blocks, first, count);
            uint* masks = stackalloc uint[AttentionScratch.LongStripBlocks];
            bool masked = blocks.HasMasks && FillMasks(blocks, first, count, masks);
            bool steered = tile.Steering is { } steering && blocks.FillBiases(steering, first, new Span<float>(scratch.Biases, tokens));
            for (int r = 0; r < tile.Rows; r++)
            {
                float* scores = scratch.Scores + r * Stride;
                if (tile.SoftCap != 0) SoftCap(scores, width);
                if (steered && tile.IsSteered(r)) AddBiases(new Span<float>(scores, tokens));
                int own = tile.PositionOf(r);
                int visible = tile.Causal ? Math.Clamp(blocks.CountUpTo(tile.LastSeenBy(r), first), 0, tokens) : tokens;
                if (visible < width) new Span<float>(scores + visible, width - visible).Fill(float.NegativeInfinity);
                int hidden = layout.Window == int.MaxValue ? 0 : Math.Clamp(blocks.CountUpTo(own - layout.Window, first), 0, width);
                if (hidden > 0) new Span<float>(scores, hidden).Fill(float.NegativeInfinity);
                for (int b = 0; masked && b < count; b++)
                    for (uint mask = masks[b]; mask != 0; mask &= mask - 1)
                        scores[b * KvBlock.Tokens + BitOperations.TrailingZeroCount(mask)] = float.NegativeInfinity;
                if (Observer is not null)
                {
                    Observe(blocks, r, scores, first, visible, masked ? masks : null);
                    continue;
                }
                float factor = kernels.Softmax(scores, width, ref Unsafe.AsRef<float>(maximum + r), ref Unsafe.AsRef<float>(sum + r));
                if (factor != 1) kernels.Scale(output + r * layout.ValueChannels, layout.ValueChannels, factor);
            }
        }

        /// <summary>
        /// Tells of one row's weights. Against a maximum that is the logarithm of the whole sum, a step of the softmax gives them
        /// normalised.
        /// </summary>
        private void Observe<TBlocks>(TBlocks blocks, int row, float* scores, int first, int visible, uint* masks)
            where TBlocks : struct, IAttendedBlocks
        {
            float logSum = maximum[row], ignored = 0;
            kernels.Softmax(scores, visible, ref logSum, ref ignored);
            int member = row % tile.Group, query = tile.PositionOf(row), token = first * KvBlock.Tokens;
            if (blocks.IsContiguous)
            {
                Observer!.Add(KvHead, member, query, new ReadOnlySpan<float>(scores, visible), blocks.PositionOf(token));
                return;
            }
            for (int t = 0; t < visible; t++)
                if (masks == null || (masks[t / KvBlock.Tokens] >> t % KvBlock.Tokens & 1) == 0) Observer!.Add(KvHead, member, query,
                    new ReadOnlySpan<float>(scores + t, 1), blocks.PositionOf(token + t));
        }

        /// <summary>Which tokens of the blocks count no more; false where all do.</summary>
        private static bool FillMasks<TBlocks>(TBlocks blocks, int first, int count, uint* masks) where TBlocks : struct, IAttendedBlocks
        {
            uint any = 0;
            for (int b = 0; b < count; b++) any |= masks[b] = blocks.Masked(first + b);
            return any != 0;
        }

        private void AddBiases(Span<float> scores) =>
            TensorPrimitives.Add(scores, new ReadOnlySpan<float>(scratch.Biases, scores.Length), scores);

        private void SoftCap(float* scores, int width)
        {
            for (int i = 0; i < width; i++) scores[i] = tile.SoftCap * MathF.Tanh(scores[i] / tile.SoftCap);
        }
    }
}
