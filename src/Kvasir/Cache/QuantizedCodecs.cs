using System.Runtime.CompilerServices;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Cache;

/// <summary>Keys quantised per channel, over groups of the block's tokens: a panel [channels, 32 tokens], then its scales, for each token group a set.</summary>
internal sealed unsafe class QuantizedKeys(QuantizedFormat format, CodeKernels kernels) : KeyCodec
{
    private readonly int _sets = CodePanel.Columns / format.Group;

    public override string Name { get; } = format.ToString();

    public override int Bytes(int channels) => CodePanel.Bytes(channels, format.Bits) + _sets * GroupScales.Bytes(channels, format.ScaleBits);

    public override void Encode(float* keys, int channels, int tokens, byte* block) =>
        GroupQuantizer.Encode(keys, KvBlock.Tokens, channels, channels, tokens, format, block, block + CodePanel.Bytes(channels, format.Bits));

    [SkipLocalsInit]
    public override void Decode(byte* block, int channels, float* keys)
    {
        float* scales = stackalloc float[2 * _sets * channels], minima = scales + _sets * channels;
        ReadScales(block, channels, scales, minima);
        kernels.Decode(block, format.Bits, channels, scales, minima, (_sets - 1) * channels, keys, KvBlock.Tokens);
    }

    [SkipLocalsInit]
    public override void Scores(byte* block, int channels, float* queries, int rows, float* scores, int scoresStride, byte* next)
    {
        int padded = CodePanel.Padded(channels);
        float* scales = stackalloc float[2 * _sets * channels], minima = scales + _sets * channels;
        float* folded = stackalloc float[_sets * CodeKernels.RowsOfPass * (padded + 1)], bias = folded + _sets * CodeKernels.RowsOfPass * padded;
        kernels.Prefetch(next, Bytes(channels));
        ReadScales(block, channels, scales, minima);
        for (int row = 0; row < rows; row += CodeKernels.RowsOfPass, queries += CodeKernels.RowsOfPass * channels, scores += CodeKernels.RowsOfPass * scoresStride)
        {
            int count = Math.Min(CodeKernels.RowsOfPass, rows - row);
            for (int s = 0; s < _sets; s++)
                kernels.Fold(queries, channels, count, channels, scales + s * channels, minima + s * channels, folded + s * CodeKernels.RowsOfPass * padded, bias + s * CodeKernels.RowsOfPass);
            int second = (_sets - 1) * CodeKernels.RowsOfPass;
            kernels.Multiply(folded, bias, folded + second * padded, bias + second, block, format.Bits, count, channels, scores, scoresStride, accumulate: false);
        }
    }

    private void ReadScales(byte* block, int channels, float* scales, float* minima)
    {
        byte* sets = block + CodePanel.Bytes(channels, format.Bits);
        for (int s = 0; s < _sets; s++) kernels.ReadScales(sets + s * GroupScales.Bytes(channels, format.ScaleBits), channels, format.ScaleBits, scales + s * channels, minima + s * channels);
    }
}

/// <summary>Values quantised per token, over groups of 32 channels: for each group a panel [32 tokens, 32 channels], then for each its scales.</summary>
internal sealed unsafe class QuantizedValues(QuantizedFormat format, CodeKernels kernels) : ValueCodec
{
    private readonly int _panelBytes = CodePanel.Bytes(KvBlock.Tokens, format.Bits), _setBytes = GroupScales.Bytes(KvBlock.Tokens, format.ScaleBits);

    public override string Name { get; } = format.ToString();

    public override int Bytes(int channels) => Panels(channels) * (_panelBytes + _setBytes);

    public override void Encode(float* values, int channels, int tokens, byte* block)
    {
        for (int p = 0; p < Panels(channels); p++)
            GroupQuantizer.Encode(values + p * CodePanel.Columns, channels, tokens, KvBlock.Tokens, ColumnsOf(p, channels), format, block + p * _panelBytes, Set(block, channels, p));
    }

    [SkipLocalsInit]
    public override void Decode(byte* block, int channels, float* values)
    {
        float* scales = stackalloc float[2 * KvBlock.Tokens], minima = scales + KvBlock.Tokens;
        float* narrow = stackalloc float[KvBlock.Tokens * CodePanel.Columns];
        for (int p = 0; p < Panels(channels); p++)
        {
            int columns = ColumnsOf(p, channels);
            bool whole = columns == CodePanel.Columns;
            float* destination = values + p * CodePanel.Columns;
            kernels.ReadScales(Set(block, channels, p), KvBlock.Tokens, format.ScaleBits, scales, minima);
            kernels.Decode(block + p * _panelBytes, format.Bits, KvBlock.Tokens, scales, minima, 0, whole ? destination : narrow, whole ? channels : CodePanel.Columns);
            if (whole) continue;
            for (int t = 0; t < KvBlock.Tokens; t++) new ReadOnlySpan<float>(narrow + t * CodePanel.Columns, columns).CopyTo(new Span<float>(destination + t * channels, columns));
        }
    }

    [SkipLocalsInit]
    public override void Accumulate(byte* block, int channels, float* weights, int weightsStride, int rows, float* output, byte* next)
    {
        float* scales = stackalloc float[2 * KvBlock.Tokens], minima = scales + KvBlock.Tokens;
        float* folded = stackalloc float[CodeKernels.RowsOfPass * (KvBlock.Tokens + 1)], bias = folded + CodeKernels.RowsOfPass * KvBlock.Tokens;
        float* narrow = stackalloc float[CodeKernels.RowsOfPass * CodePanel.Columns];
        kernels.Prefetch(next, Bytes(channels));
        for (int p = 0; p < Panels(channels); p++)
        {
            kernels.ReadScales(Set(block, channels, p), KvBlock.Tokens, format.ScaleBits, scales, minima);
            int columns = ColumnsOf(p, channels);
            for (int row = 0; row < rows; row += CodeKernels.RowsOfPass)
            {
                int count = Math.Min(CodeKernels.RowsOfPass, rows - row);
                float* result = output + row * channels + p * CodePanel.Columns;
                kernels.Fold(weights + row * weightsStride, weightsStride, count, KvBlock.Tokens, scales, minima, folded, bias);
                if (columns == CodePanel.Columns)
                {
                    kernels.Multiply(folded, bias, folded, bias, block + p * _panelBytes, format.Bits, count, KvBlock.Tokens, result, channels, accumulate: true);
                    continue;
                }
                kernels.Multiply(folded, bias, folded, bias, block + p * _panelBytes, format.Bits, count, KvBlock.Tokens, narrow, CodePanel.Columns, accumulate: false);
                for (int r = 0; r < count; r++)
                    for (int n = 0; n < columns; n++) result[r * channels + n] += narrow[r * CodePanel.Columns + n];
            }
        }
    }

    private static int Panels(int channels) => (channels + CodePanel.Columns - 1) / CodePanel.Columns;

    private static int ColumnsOf(int panel, int channels) => Math.Min(CodePanel.Columns, channels - panel * CodePanel.Columns);

    private byte* Set(byte* block, int channels, int panel) => block + Panels(channels) * _panelBytes + panel * _setBytes;
}
