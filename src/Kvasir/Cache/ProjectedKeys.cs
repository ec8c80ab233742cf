using System.Numerics.Tensors;
using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>
/// Thin keys of factors that are taken after rotation (or where there is none): c = Down (k - mean), encoded by another codec as keys of so
/// many channels. q · k is (Up^T q) · c + q · mean, so the query is multiplied once a strip and all else costs what the rank costs.
/// </summary>
internal sealed unsafe class ProjectedKeys(string name, HeadFactors factors, KeyCodec inner, AttentionKernels kernels) : KeyCodec
{
    private readonly PinnedFloats _down = new(factors.Down), _up = new(factors.Up);

    public override string Name => name;

    public override int Bytes(int channels) => inner.Bytes(factors.Rank);

    [SkipLocalsInit]
    public override void Encode(float* keys, int channels, int tokens, byte* block, in KeyContext context)
    {
        float* centred = stackalloc float[channels * KvBlock.Tokens], thin = stackalloc float[factors.Rank * KvBlock.Tokens];
        for (int c = 0; c < channels; c++)
            for (int t = 0; t < KvBlock.Tokens; t++) centred[c * KvBlock.Tokens + t] = t < tokens ? keys[c * KvBlock.Tokens + t] - Mean(c)
                : 0;
        kernels.Multiply(new(_down.Pointer, channels), centred, factors.Rank, channels, KvBlock.Tokens, new(thin, KvBlock.Tokens),
            accumulate: false);
        inner.Encode(thin, factors.Rank, tokens, block, context);
    }

    [SkipLocalsInit]
    public override void Decode(byte* block, int channels, float* keys, in KeyContext context)
    {
        float* thin = stackalloc float[factors.Rank * KvBlock.Tokens];
        inner.Decode(block, factors.Rank, thin, context);
        for (int c = 0; c < channels; c++) new Span<float>(keys + c * KvBlock.Tokens, KvBlock.Tokens).Fill(Mean(c));
        kernels.Multiply(new(_up.Pointer, factors.Rank), thin, channels, factors.Rank, KvBlock.Tokens, new(keys, KvBlock.Tokens),
            accumulate: true);
    }

    [SkipLocalsInit]
    public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride)
    {
        int channels = strip.Channels, rank = factors.Rank;
        float* projected = stackalloc float[rows * rank];
        kernels.Multiply(new(queries, channels), _up.Pointer, rows, channels, rank, new(projected, rank), accumulate: false);
        inner.Scores(new BlockStrip
        {
            Blocks = strip.Blocks,
            Count = strip.Count,
            Channels = rank,
            Keys = strip.Keys,
            Next =
            strip.Next,
            NextBytes = strip.NextBytes
        }, projected, rows, scores, scoresStride);
        // What all these keys have in common counts against keys that are kept otherwise.
        for (int r = 0; factors.Mean.Length > 0 && r < rows; r++)
        {
            var row = new Span<float>(scores + r * scoresStride, strip.Count * KvBlock.Tokens);
            float common = TensorPrimitives.Dot(new ReadOnlySpan<float>(queries + r * channels, channels), factors.Mean);
            TensorPrimitives.Add(row, common, row);
        }
    }

    private float Mean(int channel) => factors.Mean.Length == 0 ? 0 : factors.Mean[channel];
}
