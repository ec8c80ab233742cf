using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Cache;

/// <summary>
/// Keys quantised per channel, over groups of the block's tokens: a panel [channels, 32 tokens], then for each group of tokens the scales
/// of its channels.
/// </summary>
internal sealed unsafe class QuantizedKeys(QuantizedFormat format, CodeKernels kernels) : KeyCodec
{
    public override string Name { get; } = format.ToString();

    public override int Bytes(int channels) =>
        QuantizedPanel.Bytes(channels, format.Bits) + QuantizedPanel.Columns / format.Group * GroupScales.Bytes(channels, format.ScaleBits);

    public override void Encode(float* keys, int channels, int tokens, byte* block, in KeyContext context) =>
        GroupQuantizer.Encode(keys, KvBlock.Tokens, channels, channels, tokens, format, block, Sets(block, channels));

    public override void Decode(byte* block, int channels, float* keys, in KeyContext context) =>
        kernels.Decode(block, Sets(block, channels), channels, format, keys, KvBlock.Tokens);

    public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride)
    {
        kernels.Multiply(new QuantizedRun(strip.Blocks, strip.Count, format)
        {
            Left = queries,
            LeftStride = strip.Channels,
            Result = scores,
            ResultStride = scoresStride,
            ResultStep = KvBlock.Tokens,
            Rows = rows,
            Inner = strip.Channels,
            Panels = 1,
            AllPanels = 1,
            Next = strip.Next,
            NextBytes = strip.NextBytes,
        });
    }

    private byte* Sets(byte* block, int channels) => block + QuantizedPanel.Bytes(channels, format.Bits);
}

/// <summary>
/// Values quantised per token, over groups of 32 channels: for each group a panel [32 tokens, 32 channels], then for each the scales of its
/// tokens.
/// </summary>
internal sealed unsafe class QuantizedValues(QuantizedFormat format, CodeKernels kernels) : ValueCodec
{
    private readonly int _panelBytes = QuantizedPanel.Bytes(KvBlock.Tokens, format.Bits),
        _setBytes = GroupScales.Bytes(KvBlock.Tokens, format.ScaleBits);

    public override string Name { get; } = format.ToString();

    public override int Bytes(int channels) => Panels(channels) * (_panelBytes + _setBytes);

    public override void Encode(float* values, int channels, int tokens, byte* block)
    {
        for (int p = 0; p < Panels(channels); p++)
            GroupQuantizer.Encode(values + p * QuantizedPanel.Columns, channels, tokens, KvBlock.Tokens, ColumnsOf(p, channels), format,
                block + p * _panelBytes, Set(block, channels, p));
    }

    [SkipLocalsInit]
    public override void Decode(byte* block, int channels, float* values)
    {
        float* whole = stackalloc float[KvBlock.Tokens * QuantizedPanel.Columns];
        for (int p = 0; p < Panels(channels); p++)
        {
            int columns = ColumnsOf(p, channels);
            float* destination = values + p * QuantizedPanel.Columns;
            bool narrow = columns < QuantizedPanel.Columns;
            kernels.Decode(block + p * _panelBytes, Set(block, channels, p), KvBlock.Tokens, format, narrow
                ? whole : destination, narrow ? QuantizedPanel.Columns : channels);
            for (int t = 0; narrow && t < KvBlock.Tokens; t++)
                new ReadOnlySpan<float>(whole + t * QuantizedPanel.Columns, columns)
                    .CopyTo(new Span<float>(destination + t * channels, columns));
        }
    }

    [SkipLocalsInit]
    public override void Accumulate(in BlockStrip strip, float* weights, int weightsStride, int rows, float* output)
    {
        int channels = strip.Channels, whole = channels / QuantizedPanel.Columns, rest = channels % QuantizedPanel.Columns;
        var run = new QuantizedRun(strip.Blocks, strip.Count, format)
        {
            Left = weights,
            LeftStride = weightsStride,
            LeftStep = KvBlock.Tokens,
            Result = output,
            ResultStride = channels,
            Rows = rows,
            Inner = KvBlock.Tokens,
            Panels = whole,
            AllPanels = Panels(channels),
            Next = strip.Next,
            NextBytes = strip.NextBytes,
        };
        if (whole > 0) kernels.Multiply(run);
        if (rest == 0) return;
        float* last = stackalloc float[rows * QuantizedPanel.Columns];
        new Span<float>(last, rows * QuantizedPanel.Columns).Clear();
        kernels.Multiply(new QuantizedRun(strip.Blocks, strip.Count, format)
        {
            Left = weights,
            LeftStride = weightsStride,
            LeftStep = KvBlock.Tokens,
            Result = last,
            ResultStride = QuantizedPanel.Columns,
            Rows = rows,
            Inner = KvBlock.Tokens,
            FirstPanel = whole,
            Panels = 1,
            AllPanels = Panels(channels),
        });
        for (int r = 0; r < rows; r++)
            for (int n = 0; n < rest; n++)
                output[r * channels + whole * QuantizedPanel.Columns + n] += last[r * QuantizedPanel.Columns + n];
    }

    private static int Panels(int channels) => (channels + QuantizedPanel.Columns - 1) / QuantizedPanel.Columns;

    private static int ColumnsOf(int panel, int channels) => Math.Min(QuantizedPanel.Columns, channels - panel * QuantizedPanel.Columns);

    private byte* Set(byte* block, int channels, int panel) => block + Panels(channels) * _panelBytes + panel * _setBytes;
}
