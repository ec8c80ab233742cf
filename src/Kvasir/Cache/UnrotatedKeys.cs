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

    /// <summary>Blocks whose queries are multiplied together.</summary>
    private const int Together = 2;

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
        // The less new the kept channels are to each other, the more the others take of their errors: few bits make these too large.
        var kept = new KeptChannels(factors, inner is QuantizedKeys ? [] : fast);
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
        _kernels.Rotations.Rotate(Rows(keys, _inOrder, context, start, angles), start, turned, back: true);
        for (int c = 0; c < _mean.Length; c++)
            for (int t = 0; t < tokens; t++) turned[c * KvBlock.Tokens + t] -= _mean[c];
        _kernels.Multiply(new(_down.Pointer, channels), turned, _rank, channels, KvBlock.Tokens, new(thin, KvBlock.Tokens),
            accumulate: false);
        _inner.Encode(thin, _rank, tokens, block, context);
    }

    [SkipLocalsInit]
    public override void Decode(byte* block, int channels, float* keys, in KeyContext context)
    {
        float* rebuilt = stackalloc float[channels * KvBlock.Tokens], start = stackalloc float[2 * _runs.Pairs];
        float* angles = stackalloc float[AngleFloats];
        Rebuild(block, _channels, rebuilt, context);
        _kernels.Rotations.Rotate(Rows(rebuilt, _pairs, context, start, angles), start, keys);
    }

    [SkipLocalsInit]
    public override void Scores(in BlockStrip strip, float* queries, int rows, float* scores, int scoresStride)
    {
        float* work = stackalloc float[_channels * KvBlock.Tokens], inPairs = stackalloc float[rows * _channels];
        // Where tokens stand anywhere there is no middle; and what all keys have in common is turned with them.
        bool runs = strip.Keys.Kept is null && _mean.Length == 0;
        for (int r = 0; runs && r < rows; r++)
            for (int j = 0; j < _pairs.Length; j++)
                (inPairs[r * _channels + j], inPairs[r * _channels + _pairs.Length + j]) =
                    (queries[r * _channels + _pairs[j].First], queries[r * _channels + _pairs[j].Second]);
        for (int b = 0; runs && b < strip.Count; b += Together)
            ScoresOfRun(strip, b, Math.Min(Together, strip.Count - b), inPairs, rows, scores, scoresStride);
        for (int b = 0; !runs && b < strip.Count; b++)
        {
            Decode(strip.Blocks[b], _channels, work, strip.Keys with { FirstToken = strip.Keys.FirstToken + b * KvBlock.Tokens });
            _kernels.Multiply(new(queries, _channels), work, rows, _channels, KvBlock.Tokens,
                new(scores + b * KvBlock.Tokens, scoresStride), accumulate: false);
        }
    }

    /// <summary>Scores of some blocks whose tokens follow each other, the queries' channels in the order of pairs.</summary>
    [SkipLocalsInit]
    private void ScoresOfRun(in BlockStrip strip, int first, int count, float* queries, int rows, float* scores, int scoresStride)
    {
        int pairs = _pairs.Length, slow = _runs.Slow, perBlock = rows * RotaryRuns.Powers;
        float* rebuilt = stackalloc float[_channels * KvBlock.Tokens], start = stackalloc float[2 * pairs];
        float* turned = stackalloc float[count * rows * _channels], ofSlow = stackalloc float[count * perBlock * 2 * slow];
        float* ofThin = stackalloc float[count * perBlock * _paddedRank], powers = stackalloc float[perBlock * KvBlock.Tokens];
        RotationKernels rotations = _kernels.Rotations;
        for (int i = 0; i < count; i++)
        {
            float* ofBlock = turned + i * rows * _channels;
            _runs.Fill(strip.Keys.PositionOf((first + i) * KvBlock.Tokens + RotaryRuns.Middle), start, rotations);
            rotations.TurnBack(queries, rows, pairs, start, ofBlock);
            rotations.ByPowers(ofBlock, rows, pairs, slow, _runs.Parabolas, ofSlow + i * perBlock * 2 * slow);
        }
        _kernels.Multiply(new(ofSlow, 2 * slow), _slow.Pointer, count * perBlock, 2 * slow, _paddedRank, new(ofThin, _paddedRank),
            accumulate: false);
        for (int i = 0; i < count; i++)
        {
            float* ofBlock = scores + (first + i) * KvBlock.Tokens;
            Fetch(strip, first + i, 0);
            Rebuild(strip.Blocks[first + i], _fastRows, rebuilt, strip.Keys);
            Fetch(strip, first + i, 1);
            rotations.Scores(new RotatedRows { Keys = rebuilt, Pairs = _pairs, Tokens = _runs.Distant }, slow,
                turned + i * rows * _channels, rows, ofBlock, scoresStride);
            Fetch(strip, first + i, 2);
            _kernels.Multiply(new(ofThin + i * perBlock * _paddedRank, _paddedRank), rebuilt, perBlock, _rank, KvBlock.Tokens,
                new(powers, KvBlock.Tokens), accumulate: false);
            Fetch(strip, first + i, 3);
            rotations.AddPowers(powers, _runs.Distances, rows, ofBlock, scoresStride);
        }
    }

    /// <summary>
    /// Asks for a quarter of what is read next: the block after this one and its values. All at once would wait for memory.
    /// </summary>
    private void Fetch(in BlockStrip strip, int block, int quarter)
    {
        int keys = _inner.Bytes(_rank) / 4, values = strip.NextBytes / 4;
        if (block + 1 < strip.Count) _kernels.Rotations.Fetch(strip.Blocks[block + 1] + quarter * keys, keys);
        _kernels.Rotations.Fetch(strip.Next[block] + quarter * values, values);
    }

    /// <summary>
    /// The first rows of keys [channels, 32] before their rotation: the kept channels, then the others, those of fast pairs first.
    /// </summary>
    private void Rebuild(byte* block, int rows, float* rebuilt, in KeyContext context)
    {
        _inner.Decode(block, _rank, rebuilt, context);
        _kernels.Multiply(new(_others.Pointer, _rank), rebuilt, rows - _rank, _rank, KvBlock.Tokens,
            new(rebuilt + _rank * KvBlock.Tokens, KvBlock.Tokens), accumulate: false);
        for (int row = 0; row < _meanOfRow.Length; row++)
        {
            var tokens = new Span<float>(rebuilt + row * KvBlock.Tokens, KvBlock.Tokens);
            TensorPrimitives.Add(tokens, _meanOfRow[row], tokens);
        }
    }

    /// <summary>
    /// A block's keys with the angles of its tokens: <paramref name="start"/> [2, pairs] gets those of the block, and where tokens stand
    /// anywhere <paramref name="angles"/> [2, pairs, 32] each token's own.
    /// </summary>
    private RotatedRows Rows(float* keys, RotatedPair[] pairs, in KeyContext context, float* start, float* angles)
    {
        if (context.Kept is null)
        {
            _runs.Fill(context.PositionOf(RotaryRuns.Middle), start, _kernels.Rotations);
            return new RotatedRows { Keys = keys, Pairs = pairs, Tokens = _runs.Distant };
        }
        int count = Math.Min(KvBlock.Tokens, context.Kept.Count - context.FirstToken);
        new Span<float>(angles, AngleFloats).Clear();
        for (int t = 0; t < count; t++)
        {
            _runs.Fill(context.PositionOf(t), start, _kernels.Rotations);
            for (int i = 0; i < 2 * _runs.Pairs; i++) angles[i * KvBlock.Tokens + t] = start[i];
        }
        for (int j = 0; j < _runs.Pairs; j++) (start[j], start[_runs.Pairs + j]) = (1, 0);
        return new RotatedRows { Keys = keys, Pairs = pairs, Tokens = angles };
    }
}
