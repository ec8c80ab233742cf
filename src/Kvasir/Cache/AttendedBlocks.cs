using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>Blocks of a segment or in float, told apart at compile time.</summary>
internal unsafe interface IAttendedBlocks
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

/// <summary>Blocks of a segment as its codec has written them.</summary>
internal readonly unsafe struct SegmentBlocks(KvSegment segment, LayerLayout layout, RepairedPositions? repaired) : IAttendedBlocks
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
internal readonly unsafe struct FloatBlocks(KvTail tail, int firstPosition, RepairedPositions? positions, AttentionKernels kernels)
    : IAttendedBlocks
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
