using System.Numerics.Tensors;
using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>
/// Thin keys of factors that are taken before rotation: a key is turned back to position 0, projected, and some of its channels, of which
/// the others are linear functions, are encoded by another codec. To read a block, the other channels of fast pairs are multiplied out and
/// rotated, once for all query heads of the group; nothing of it is kept. Slow pairs, which hardly turn within a block, need not be
/// multiplied out: what they add to the scores is a parabola in the token's place, whose three terms are products of the kept channels.
/// </summary>
internal sealed unsafe class UnrotatedKeys : KeyCodec
{
    /// <summary>Columns that every instruction set multiplies in whole tiles.</summary>
    private const int WholeTile = 32;

    private readonly string _name;
    private readonly KeyCodec _inner;
    private readonly AttentionKernels _kernels;
    private readonly RotaryRuns _runs;
    private readonly PinnedFloats _down, _others, _slow;
    private readonly RotatedPair[] _pairs, _inOrder;
    private readonly float[] _mean, _meanOfRow;
    private readonly int _rank, _channels, _fastRows, _paddedRank;

    public UnrotatedKeys(string name, HeadFactors factors, KeyCodec inner, AttentionKernels kernels, RotaryRuns runs)
    {
        (_name, _inner, _kernels, _runs, _rank, _channels) = (name, inner, kernels, runs, factors.Rank, factors.Channels);
        (int First, int Second)[] slow = [.. runs.Channels.Take(runs.Slow)];
        int[] fast = [.. runs.Channels.Skip(runs.Slow).SelectMany(pair => new[] { pair.First, pair.Second })];
        var kept = new KeptChannels(factors, fast);
        int[] inRows = [.. kept.Channels, .. fast.Except(kept.Channels),
            .. Enumerable.Range(0, _channels).Except(fast).Except(kept.Channels)], rowOf = new int[_channels];
        foreach ((int row, int channel) in inRows.Index()) rowOf[channel] = row;
        _fastRows = _rank + fast.Except(kept.Channels).Count();
        _down = new PinnedFloats(kept.Down);
        _others = new PinnedFloats([.. inRows.Skip(_rank).SelectMany(kept.Coefficients)]);
        _paddedRank = (_rank + WholeTile - 1) / WholeTile * WholeTile;
        _slow = new PinnedFloats(
            [.. slow.Select(pair => pair.First).Concat(slow.Select(pair => pair.Second)).SelectMany(
            channel => kept.Coefficients(channel).Concat(new float[_paddedRank - _rank]))]);
        _pairs = [.. runs.Channels.Select(pair => new RotatedPair(pair.First, pair.Second, rowOf[pair.First], rowOf[pair.Second]))];
        _inOrder = [.. runs.Channels.Select(pair => new RotatedPair(pair.First, pair.Second, pair.First, pair.Second))];
        (_mean, _meanOfRow) = (factors.Mean, factors.Mean.Length == 0 ? [] : [.. inRows.Select(channel => factors.Mean[channel])]);
    }

    public override string Name => _name;

    /// <summary>Floats of the angles of 32 tokens.</summary>
    private int AngleFloats => 2 * _runs.Pairs * KvBlock.Tokens;

    public override int Bytes(int channels) => _inner.Bytes(_rank);

    [SkipLocalsInit]
    public override void Encode(float* keys, int channels, int tokens, byte* block, in KeyContext context)
    {
        float* turned = stackalloc float[channels * KvBlock.Tokens], thin = stackalloc float[_rank * KvBlock.Tokens], start =
            stackalloc float[2 * _runs.Pairs], angles = stackalloc float[AngleFloats];
        _kernels.Rotations.Rotate(Rows(keys, _inOrder, context, 0, start, angles), start, turned, back: true);
        for (int c = 0; c < _mean.Length; c++)
            for (int t = 0; t < tokens; t++) turned[c * KvBlock.Tokens + t] -= _mean[c];
        _kernels.Multiply(_down.Pointer, channels, turned, _rank, channels, KvBlock.Tokens, thin, KvBlock.Tokens, accumulate: false);
        _inner.Encode(thin, _rank, tokens, block, context);
    }

    [SkipLocalsInit]
    public override void Decode(byte* block, int channels, float* keys, in KeyContext context)
    {
        float* rebuilt = stackalloc float[channels * KvBlock.Tokens], start = stackalloc float[2 * _runs.Pairs], angles =
            stackalloc float[AngleFloats];
        Rebuild(block, _channels, rebuilt, context);
        _kernels.Rotations.Rotate(Rows(rebuilt, _pairs, context, 0, start, angles), start, keys);
    }

    [SkipLocalsInit]
    public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride)
    {
        // What all keys have in common is turned with them: then all channels are multiplied out.
        int pairs = _runs.Pairs, slow = strip.Keys.Kept is null && _mean.Length == 0 ? _runs.Slow : 0, bytes = _inner.Bytes(_rank);
        float* rebuilt = stackalloc float[_channels * KvBlock.Tokens], start = stackalloc float[2 * pairs], angles =
            stackalloc float[AngleFloats];
        float* inPairs = stackalloc float[rows * _channels], turned = stackalloc float[rows * _channels];
        float* ofSlow = stackalloc float[rows * RotaryRuns.Powers * 2 * slow], ofThin =
            stackalloc float[rows * RotaryRuns.Powers * _paddedRank], powers = stackalloc float[rows * RotaryRuns.Powers * KvBlock.Tokens];
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < pairs; j++)
                (inPairs[r * _channels + j], inPairs[r * _channels + pairs + j]) =
                    (queries[r * _channels + _pairs[j].First], queries[r * _channels + _pairs[j].Second]);
        RotationKernels rotations = _kernels.Rotations;
        for (int b = 0; b < strip.Count; b++)
        {
            if (b + 1 < strip.Count) rotations.Fetch(strip.Blocks[b + 1], bytes);
            rotations.Fetch(strip.Next[b], strip.NextBytes);
            float* blockScores = scores + b * KvBlock.Tokens;
            Rebuild(strip.Blocks[b], slow > 0 ? _fastRows : _channels, rebuilt, strip.Keys);
            RotatedRows keys = Rows(rebuilt, _pairs, strip.Keys, b * KvBlock.Tokens, start, angles);
            rotations.TurnBack(inPairs, rows, pairs, start, turned);
            rotations.Scores(keys, slow, turned, rows, blockScores, scoresStride);
            if (slow == 0) continue;
            rotations.ByPowers(turned, rows, pairs, slow, _runs.Parabolas, ofSlow);
            _kernels.Multiply(ofSlow, 2 * slow, _slow.Pointer, rows * RotaryRuns.Powers, 2 * slow, _paddedRank, ofThin, _paddedRank,
                accumulate: false);
            _kernels.Multiply(ofThin, _paddedRank, rebuilt, rows * RotaryRuns.Powers, _rank, KvBlock.Tokens, powers, KvBlock.Tokens,
                accumulate: false);
            rotations.AddPowers(powers, _runs.Distances, rows, blockScores, scoresStride);
        }
    }

    /// <summary>
    /// The first rows of keys [channels, 32] before their rotation: the kept channels, then the others, those of fast pairs first.
    /// </summary>
    private void Rebuild(byte* block, int rows, float* rebuilt, in KeyContext context)
    {
        _inner.Decode(block, _rank, rebuilt, context);
        _kernels.Multiply(_others.Pointer, _rank, rebuilt, rows - _rank, _rank, KvBlock.Tokens, rebuilt + _rank * KvBlock.Tokens,
            KvBlock.Tokens, accumulate: false);
        for (int row = 0; row < _meanOfRow.Length; row++)
        {
            var tokens = new Span<float>(rebuilt + row * KvBlock.Tokens, KvBlock.Tokens);
            TensorPrimitives.Add(tokens, _meanOfRow[row], tokens);
        }
    }

    /// <summary>
    /// A block's keys with the angles of its tokens, the first of which is <paramref name="token"/> tokens behind the call's first:
    /// <paramref name="start"/> [2, pairs] gets those of the block, and where tokens stand anywhere <paramref name="angles"/> [2, pairs,
    /// 32] each token's own.
    /// </summary>
    private RotatedRows Rows(float* keys, RotatedPair[] pairs, in KeyContext context, int token, float* start, float* angles)
    {
        if (context.Kept is null)
        {
            _runs.Fill(context.PositionOf(token + RotaryRuns.Middle), start, _kernels.Rotations);
            return new RotatedRows { Keys = keys, Pairs = pairs, Tokens = _runs.Distant };
        }
        int count = Math.Min(KvBlock.Tokens, context.Kept.Count - context.FirstToken - token);
        new Span<float>(angles, AngleFloats).Clear();
        for (int t = 0; t < count; t++)
        {
            _runs.Fill(context.PositionOf(token + t), start, _kernels.Rotations);
            for (int i = 0; i < 2 * _runs.Pairs; i++) angles[i * KvBlock.Tokens + t] = start[i];
        }
        for (int j = 0; j < _runs.Pairs; j++) (start[j], start[_runs.Pairs + j]) = (1, 0);
        return new RotatedRows { Keys = keys, Pairs = pairs, Tokens = angles };
    }
}
