using System.Numerics;
using System.Numerics.Tensors;
using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>What a tile of queries may see and how its scores are treated.</summary>
/// <param name="FirstPosition">Position of the tile's first token; the others follow it unless they are
/// <paramref name="Scattered"/>.</param>
/// <param name="Rows">Query rows: tokens times heads of the group, token by token.</param>
/// <param name="Group">Query heads of one kv head.</param>
/// <param name="Causal">Whether a token sees only positions up to its own.</param>
/// <param name="SoftCap">Scores become cap * tanh(score / cap); 0 for none.</param>
/// <param name="Scattered">Where the tokens stand if they do not follow each other.</param>
/// <param name="FirstScattered">Index of the tile's first token among these.</param>
internal readonly record struct QueryTile(
    int FirstPosition, int Rows, int Group, bool Causal, float SoftCap, RepairedPositions? Scattered = null, int FirstScattered = 0)
{
    /// <summary>By row of the slice the last position that it sees; null where that is its own.</summary>
    public int[]? LastSeen { get; init; }

    /// <summary>The slice's row of the tile's first token.</summary>
    public int FirstRow { get; init; }

    /// <summary>What is added to scores; null where none of the tile's heads is steered.</summary>
    public Steering? Steering { get; init; }

    /// <summary>Bit h tells whether head h of the group is steered.</summary>
    public ulong SteeredHeads { get; init; }

    /// <summary>The position of a query row's token.</summary>
    public int PositionOf(int row) => Scattered is null ? FirstPosition + row / Group : Scattered[FirstScattered + row / Group];

    /// <summary>The last position that a query row sees in a causal model: its own, or that of the end of its image.</summary>
    public int LastSeenBy(int row) => LastSeen?[FirstRow + row / Group] ?? PositionOf(row);

    /// <summary>Whether a query row's head is steered.</summary>
    public bool IsSteered(int row) => (SteeredHeads >> row % Group & 1) != 0;
}

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

    /// <summary>Blocks of a segment or in float, told apart at compile time.</summary>
    private interface IBlocks
    {
        int CountIn(int block);

        /// <summary>
        /// How many tokens from the start of a block on, to the end of its run and beyond, stand at or before a position; negative or 0
        /// where it comes before all.
        /// </summary>
        int CountUpTo(int position, int block);

        /// <summary>The position of a token, counted over all blocks.</summary>
        int PositionOf(int token);

        /// <summary>Whether tokens that follow each other stand at positions that do.</summary>
        bool IsContiguous { get; }

        /// <summary>Whether any token may count no more.</summary>
        bool HasMasks { get; }

        /// <summary>Bit i tells whether token i of a block counts no more.</summary>
        uint Masked(int block);

        /// <summary>What steering adds to the scores of the tokens from the start of a block on; false where nothing.</summary>
        bool FillBiases(Steering steering, int block, Span<float> biases);

        /// <summary>Bytes of a block's keys, behind which its values lie.</summary>
        int KeyBytes { get; }

        /// <summary>Bytes of a block's values, to be fetched while its keys are read.</summary>
        int ValueBytes { get; }

        byte* Data(int block);

        void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int stride);

        void Accumulate(in BlockStrip strip, float* weights, int stride, int rows, float* output);

        /// <summary>What the keys of a block and those behind it are read by.</summary>
        KeyContext Context(int block);

        /// <summary>The float keys of a block: its own memory, or decoded into the scratch.</summary>
        float* Keys(int block, int channels, float* scratch);

        float* Values(int block, int channels, float* scratch);
    }

    private readonly struct SegmentBlocks(KvSegment segment, LayerLayout layout, RepairedPositions? repaired) : IBlocks
    {
        public int CountIn(int block) => segment.CountIn(block);

        public int CountUpTo(int position, int block) => segment.CountUpTo(position) - block * KvBlock.Tokens;

        public int PositionOf(int token) => segment.PositionOf(token);

        public bool IsContiguous => segment.Kept is null && repaired is null;

        public bool HasMasks => repaired is not null;

        public uint Masked(int block)
        {
            if (repaired is null) return 0;
            if (segment.Kept is null) return repaired.Mask(segment.FirstPosition + block * KvBlock.Tokens);
            uint masked = 0;
            for (int t = 0; t < CountIn(block); t++)
                masked |= repaired.Mask(segment.PositionOf(block * KvBlock.Tokens + t)) << 31 >> 31 - t;
            return masked;
        }

        public bool FillBiases(Steering steering, int block, Span<float> biases)
        {
            int first = block * KvBlock.Tokens;
            if (segment.Kept is null) return steering.Fill(segment.FirstPosition + first, biases);
            for (int t = 0; t < biases.Length; t++) biases[t] = steering.At(segment.PositionOf(first + t));
            return true;
        }

        public int KeyBytes => segment.Codec.KeyBytes;

        public byte* Data(int block) => segment.Keys(block);

        public int ValueBytes => segment.Codec.ValueBytes;

        public KeyContext Context(int block) => segment.Context(layout, block);

        public void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int stride) =>
            segment.Codec.Keys.Scores(strip, queries, rows, scores, stride);

        public void Accumulate(in BlockStrip strip, float* weights, int stride, int rows, float* output) =>
            segment.Codec.Values.Accumulate(strip, weights, stride, rows, output);

        public float* Keys(int block, int channels, float* scratch)
        {
            segment.Codec.Keys.Decode(segment.Keys(block), channels, scratch, Context(block));
            return scratch;
        }

        public float* Values(int block, int channels, float* scratch)
        {
            segment.Codec.Values.Decode(segment.Values(block), channels, scratch);
            return scratch;
        }
    }

    /// <summary>Float blocks of tokens that follow each other from a position on, or stand at given ones.</summary>
    private readonly struct FloatBlocks(KvTail tail, int firstPosition, RepairedPositions? positions, AttentionKernels kernels) : IBlocks
    {
        public int CountIn(int block) => tail.CountIn(block);

        public int CountUpTo(int position, int block) =>
            (positions is null ? position - firstPosition + 1 : positions.CountUpTo(position)) - block * KvBlock.Tokens;

        public int PositionOf(int token) => positions is null ? firstPosition + token : positions[token];

        public bool IsContiguous => positions is null;

        public bool HasMasks => false;

        public uint Masked(int block) => 0;

        public bool FillBiases(Steering steering, int block, Span<float> biases)
        {
            int first = block * KvBlock.Tokens;
            if (positions is null) return steering.Fill(firstPosition + first, biases);
            for (int t = 0; t < biases.Length; t++) biases[t] = steering.At(positions[first + t]);
            return true;
        }

        public int KeyBytes => (int)((byte*)tail.Values(0) - (byte*)tail.Keys(0));

        public byte* Data(int block) => (byte*)tail.Keys(block);

        public int ValueBytes => KeyBytes;

        public KeyContext Context(int block) => default;

        public void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int stride) =>
            FloatKeys.Scores(kernels, strip.Blocks, strip.Count, strip.Channels, queries, rows, scores, stride, strip.Next);

        public void Accumulate(in BlockStrip strip, float* weights, int stride, int rows, float* output) =>
            FloatValues.Accumulate(kernels, strip.Blocks, strip.Count, strip.Channels, weights, stride, rows, output, strip.Next);

        public float* Keys(int block, int channels, float* scratch) => tail.Keys(block);

        public float* Values(int block, int channels, float* scratch) => tail.Values(block);
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

        public void Over<TBlocks>(TBlocks blocks, float* queries, int first, int end, byte* after) where TBlocks : struct, IBlocks
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
        private void Strip<TBlocks>(TBlocks blocks, float* queries, int first, int count, int end, byte* after) where TBlocks
            : struct, IBlocks
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
        private void DecodedStrip<TBlocks>(TBlocks blocks, float* queries, int first, int count) where TBlocks : struct, IBlocks
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

        private static int TokensOf<TBlocks>(TBlocks blocks, int first, int count) where TBlocks : struct, IBlocks =>
            (count - 1) * KvBlock.Tokens + blocks.CountIn(first + count - 1);

        /// <summary>Caps and masks the scores of a strip of blocks, and makes them weights.</summary>
        private void Softmax<TBlocks>(TBlocks blocks, int first, int count) where TBlocks : struct, IBlocks
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
            where TBlocks : struct, IBlocks
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
        private static bool FillMasks<TBlocks>(TBlocks blocks, int first, int count, uint* masks) where TBlocks : struct, IBlocks
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
