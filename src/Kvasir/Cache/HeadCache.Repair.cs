namespace Kvasir.Cache;

/// <content>Tokens that were computed anew in place of sealed ones, or left out.</content>
internal sealed partial class HeadCache
{
    /// <summary>Rows that stand in place of some of the segments' tokens, or null.</summary>
    public RepairedRows? Repaired { get; private set; }

    /// <summary>
    /// Takes rows in place of the sealed tokens at <paramref name="positions"/>: a copy of <paramref name="rows"/>, or all zero.
    /// </summary>
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

    /// <summary>
    /// Puts some of another head's tokens from <paramref name="first"/> on here, at their positions, encoded as this head's are outside the
    /// sink.
    /// </summary>
    public void PlacePruned(HeadCache source, int first, KeptTokens kept)
    {
        int[] positions = [.. kept.Positions.ToArray().Select(position => first + position)];
        using var reader = new TokenReader(source, _layout);
        using var floats = new KvTail(_layout, _pool);
        var segment = new PooledSegment(_codec.Rest, first, kept: kept);
        _segments.Add(segment);
        foreach (TokenPlace place in reader.Find(positions))
        {
            if (!place.IsWhereComputed)
                throw new InvalidOperationException("only tokens that stand where they were computed can be thinned");
            reader.Append(place, floats);
            if (floats.TokenCount == KvBlock.Tokens) EncodeOldest(floats, segment);
        }
        if (floats.TokenCount > 0) EncodeOldest(floats, segment);
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
}
