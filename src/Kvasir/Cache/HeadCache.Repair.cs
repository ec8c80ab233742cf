using Kvasir.Memory;

namespace Kvasir.Cache;

/// <content>Tokens that were computed anew in place of sealed ones, or left out.</content>
internal sealed unsafe partial class HeadCache
{
    /// <summary>Rows that stand in place of some of the segments' tokens, or null.</summary>
    public RepairedRows? Repaired { get; private set; }

    /// <summary>Takes rows in place of the sealed tokens at <paramref name="positions"/>: a copy of <paramref name="rows"/>, or all zero.</summary>
    public void Repair(RepairedPositions positions, KvTail? rows = null)
    {
        rows = rows?.Copy(_pool) ?? new KvTail(_layout, _pool);
        rows.Grow(positions.Count - rows.TokenCount);
        Unrepair();
        Repaired = new RepairedRows(positions, rows);
    }

    /// <summary>Lets the sealed tokens count again.</summary>
    public void Unrepair()
    {
        Repaired?.Rows.Dispose();
        Repaired = null;
    }

    /// <summary>Puts some of another head's tokens from <paramref name="first"/> on here, at their positions, encoded as this head's are outside the sink.</summary>
    public void PlacePruned(HeadCache source, int first, KeptTokens kept)
    {
        var segment = new PooledSegment(_codec.Rest, first, kept: kept);
        _segments.Add(segment);
        using KvTail floats = new KvTail(_layout, _pool), rows = source.Floats();
        ReadOnlySpan<ushort> positions = kept.Positions;
        using var row = new NativeBuffer((_layout.KeyChannels + _layout.ValueChannels) * sizeof(float));
        float* key = (float*)row.Pointer, value = key + _layout.KeyChannels;
        foreach (ushort position in positions)
        {
            rows.Read(first + position, key, value);
            floats.Grow(1);
            floats.Write(floats.TokenCount - 1, key, value);
        }
        while (floats.TokenCount > 0) EncodeOldest(floats, segment);
    }

    private void TruncateRepaired(int length)
    {
        if (Repaired is not { } repaired) return;
        if (repaired.Positions.Below(length) is not { } left)
        {
            Unrepair();
            return;
        }
        repaired.Rows.Truncate(left.Count);
        Repaired = repaired with { Positions = left };
    }

    /// <summary>All tokens in float32; none may stand elsewhere or be left out.</summary>
    private KvTail Floats()
    {
        var floats = new KvTail(_layout, _pool);
        using var memory = new NativeBuffer(KvTail.BlockBytes(_layout) + _layout.KeyChannels * sizeof(float));
        float* keys = (float*)memory.Pointer, values = keys + KvBlock.Tokens * _layout.KeyChannels, key = values + KvBlock.Tokens * _layout.ValueChannels;
        foreach (KvSegment segment in _segments)
        {
            if (segment.Offset != 0 || segment.Kept is not null) throw new InvalidOperationException("only tokens that stand where they were computed can be thinned");
            for (int b = 0; b < segment.BlockCount; b++)
            {
                segment.Codec.Decode(segment.Keys(b), keys, values, segment.Context(_layout, b));
                Append(floats, keys, values, segment.CountIn(b));
            }
        }
        for (int b = 0; b < Tail.BlockCount; b++) Append(floats, Tail.Keys(b), Tail.Values(b), Tail.CountIn(b));
        return floats;

        void Append(KvTail to, float* blockKeys, float* blockValues, int tokens)
        {
            to.Grow(tokens);
            for (int t = 0; t < tokens; t++)
            {
                for (int c = 0; c < _layout.KeyChannels; c++) key[c] = blockKeys[c * KvBlock.Tokens + t];
                to.Write(to.TokenCount - tokens + t, key, blockValues + t * _layout.ValueChannels);
            }
        }
    }
}
