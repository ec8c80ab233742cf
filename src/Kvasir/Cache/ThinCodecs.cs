using System.Numerics.Tensors;
using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>
/// Thin keys of factors that are taken after rotation (or where there is none): c = Down (k - mean), encoded by another codec as keys of so many channels. q · k is (Up^T q) · c + q · mean, so
/// the query is multiplied once a strip and all else costs what the rank costs.
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
            for (int t = 0; t < KvBlock.Tokens; t++) centred[c * KvBlock.Tokens + t] = t < tokens ? keys[c * KvBlock.Tokens + t] - Mean(c) : 0;
        kernels.Multiply(_down.Pointer, channels, centred, factors.Rank, channels, KvBlock.Tokens, thin, KvBlock.Tokens, accumulate: false);
        inner.Encode(thin, factors.Rank, tokens, block, context);
    }

    [SkipLocalsInit]
    public override void Decode(byte* block, int channels, float* keys, in KeyContext context)
    {
        float* thin = stackalloc float[factors.Rank * KvBlock.Tokens];
        inner.Decode(block, factors.Rank, thin, context);
        for (int c = 0; c < channels; c++) new Span<float>(keys + c * KvBlock.Tokens, KvBlock.Tokens).Fill(Mean(c));
        kernels.Multiply(_up.Pointer, factors.Rank, thin, channels, factors.Rank, KvBlock.Tokens, keys, KvBlock.Tokens, accumulate: true);
    }

    [SkipLocalsInit]
    public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride)
    {
        int channels = strip.Channels, rank = factors.Rank;
        float* projected = stackalloc float[rows * rank];
        kernels.Multiply(queries, channels, _up.Pointer, rows, channels, rank, projected, rank, accumulate: false);
        inner.Scores(new BlockStrip { Blocks = strip.Blocks, Count = strip.Count, Channels = rank, Keys = strip.Keys, Next = strip.Next, NextBytes = strip.NextBytes }, projected, rows, scores, scoresStride);
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

/// <summary>
/// Thin keys of factors that are taken before rotation: a key is turned back to position 0, projected, and some of its channels, of which the others are linear functions, are encoded by another
/// codec. To read a block the other channels are multiplied out and all are rotated, once for all query heads of the group; nothing of it is kept.
/// </summary>
internal sealed unsafe class UnrotatedKeys : KeyCodec
{
    private readonly string _name;
    private readonly KeyCodec _inner;
    private readonly AttentionKernels _kernels;
    private readonly RotaryRuns _runs;
    private readonly PinnedFloats _down, _others;
    private readonly float[] _mean, _meanOfRow;
    private readonly RotatedPair[] _pairs, _inOrder;
    private readonly int _rank, _channels;

    public UnrotatedKeys(string name, HeadFactors factors, KeyCodec inner, AttentionKernels kernels, RotaryRuns runs)
    {
        (_name, _inner, _kernels, _runs, _rank, _channels) = (name, inner, kernels, runs, factors.Rank, factors.Channels);
        _down = new PinnedFloats(factors.InKeptChannels(out int[] kept, out float[] others));
        _others = new PinnedFloats(others);
        int[] rowOf = new int[_channels];
        int[] inRows = [.. kept, .. Enumerable.Range(0, _channels).Except(kept)];
        foreach ((int row, int channel) in inRows.Index()) rowOf[channel] = row;
        (_mean, _meanOfRow) = (factors.Mean, factors.Mean.Length == 0 ? [] : [.. inRows.Select(channel => factors.Mean[channel])]);
        _pairs = [.. runs.Channels.Select(pair => new RotatedPair(pair.First, pair.Second, rowOf[pair.First], rowOf[pair.Second]))];
        _inOrder = [.. runs.Channels.Select(pair => new RotatedPair(pair.First, pair.Second, pair.First, pair.Second))];
    }

    public override string Name => _name;

    public override int Bytes(int channels) => _inner.Bytes(_rank);

    [SkipLocalsInit]
    public override void Encode(float* keys, int channels, int tokens, byte* block, in KeyContext context)
    {
        float* turned = stackalloc float[channels * KvBlock.Tokens], thin = stackalloc float[_rank * KvBlock.Tokens], angles = stackalloc float[AngleFloats];
        _kernels.Rotations.Rotate(Rows(keys, _inOrder, context, 0, angles), turned, back: true);
        for (int c = 0; c < _mean.Length; c++)
            for (int t = 0; t < tokens; t++) turned[c * KvBlock.Tokens + t] -= _mean[c];
        _kernels.Multiply(_down.Pointer, channels, turned, _rank, channels, KvBlock.Tokens, thin, KvBlock.Tokens, accumulate: false);
        _inner.Encode(thin, _rank, tokens, block, context);
    }

    [SkipLocalsInit]
    public override void Decode(byte* block, int channels, float* keys, in KeyContext context)
    {
        float* rebuilt = stackalloc float[channels * KvBlock.Tokens], angles = stackalloc float[AngleFloats];
        Rebuild(block, rebuilt, context);
        _kernels.Rotations.Rotate(Rows(rebuilt, _pairs, context, 0, angles), keys);
    }

    [SkipLocalsInit]
    public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride)
    {
        float* rebuilt = stackalloc float[_channels * KvBlock.Tokens], angles = stackalloc float[AngleFloats];
        int bytes = _inner.Bytes(_rank);
        for (int b = 0; b < strip.Count; b++)
        {
            if (b + 1 < strip.Count) _kernels.Rotations.Fetch(strip.Blocks[b + 1], bytes);
            _kernels.Rotations.Fetch(strip.Next[b], strip.NextBytes);
            Rebuild(strip.Blocks[b], rebuilt, strip.Keys);
            _kernels.Rotations.Scores(Rows(rebuilt, _pairs, strip.Keys, b * KvBlock.Tokens, angles), queries, rows, scores + b * KvBlock.Tokens, scoresStride);
        }
    }

    /// <summary>Floats of a start's angles and of those of 32 tokens.</summary>
    private int AngleFloats => 2 * _runs.Pairs * (1 + KvBlock.Tokens);

    /// <summary>Keys [channels, 32] before their rotation: the kept channels, then the others.</summary>
    private void Rebuild(byte* block, float* rebuilt, in KeyContext context)
    {
        _inner.Decode(block, _rank, rebuilt, context);
        _kernels.Multiply(_others.Pointer, _rank, rebuilt, _channels - _rank, _rank, KvBlock.Tokens, rebuilt + _rank * KvBlock.Tokens, KvBlock.Tokens, accumulate: false);
        for (int row = 0; row < _meanOfRow.Length; row++)
        {
            var tokens = new Span<float>(rebuilt + row * KvBlock.Tokens, KvBlock.Tokens);
            TensorPrimitives.Add(tokens, _meanOfRow[row], tokens);
        }
    }

    /// <summary>A block's keys with the rotations of its tokens, the first of which is <paramref name="token"/> tokens behind the call's first.</summary>
    private RotatedRows Rows(float* keys, RotatedPair[] pairs, in KeyContext context, int token, float* angles)
    {
        float* tokens = _runs.Fine;
        if (context.Kept is null) _runs.Fill(context.PositionOf(token), angles);
        else
        {
            _runs.Fill(0, angles);
            tokens = angles + 2 * _runs.Pairs;
            new Span<float>(tokens, 2 * _runs.Pairs * KvBlock.Tokens).Clear();
            int count = Math.Min(KvBlock.Tokens, context.Kept.Count - context.FirstToken - token);
            for (int t = 0; t < count; t++) _runs.Fill(context.PositionOf(token + t), tokens + t, KvBlock.Tokens);
        }
        return new RotatedRows { Keys = keys, Pairs = pairs, Start = angles, Tokens = tokens };
    }
}

/// <summary>Numbers that kernels read, in an array that does not move.</summary>
internal sealed unsafe class PinnedFloats
{
    private readonly float[] _values;

    public PinnedFloats(ReadOnlySpan<float> values)
    {
        _values = GC.AllocateUninitializedArray<float>(values.Length, pinned: true);
        values.CopyTo(_values);
        Pointer = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_values));
    }

    public float* Pointer { get; }
}
