namespace Kvasir.Cache;

/// <content>Tokens that are evicted: those that stay are encoded densely into blocks of their own.</content>
internal sealed unsafe partial class HeadCache
{
    /// <summary>The positions of all tokens that are there, ascending.</summary>
    public int[] Positions() =>
        [.. _segments.SelectMany(segment => Enumerable.Range(0, segment.TokenCount).Select(segment.PositionOf)),
            .. Enumerable.Range(TailPosition, Tail.TokenCount)];

    /// <summary>Reads keys, turned to where their tokens stand, or values of tokens that are all there, [tokens, channels].</summary>
    public void ReadRows(int first, int count, bool keys, float[] rows)
    {
        int channels = keys ? _layout.KeyChannels : _layout.ValueChannels;
        float[] other = new float[keys ? _layout.ValueChannels : _layout.KeyChannels];
        float[] table = _layout.Rotary is { } rotary ? new float[rotary.TableLength] : [];
        int turned = 0;
        using var reader = new TokenReader(this, _layout);
        ReadOnlySpan<TokenPlace> places = reader.Find([.. Enumerable.Range(first, count)]);
        fixed (float* row = rows, unused = other, angles = table)
            for (int i = 0; i < count; i++)
            {
                float* own = row + i * channels;
                reader.Read(places[i], keys ? own : unused, keys ? unused : own);
                if (!keys || places[i].Offset == 0) continue;
                if (places[i].Offset != turned) _layout.Rotary!.FillTable(turned = places[i].Offset, table, withMagnitude: false);
                _layout.Rotary!.Rotate(own, angles);
            }
    }

    /// <summary>The position behind the last token that is not there; all later ones are.</summary>
    public int EvictedEnd
    {
        get
        {
            int end = 0, next = 0;
            foreach (KvSegment segment in _segments)
            {
                if (segment.FirstPosition != next) end = segment.FirstPosition;
                next = segment.EndPosition;
                if (segment.Kept is not null) end = next;
            }
            return end;
        }
    }

    /// <summary>
    /// A head that holds, from <paramref name="first"/> on, the tokens at <paramref name="kept"/> alone, encoded by
    /// <paramref name="codec"/>; what stands before is shared. Keys keep the rotation that they have. As many of the newest tokens as the
    /// policy's residual has stay in float.
    /// </summary>
    /// <param name="codec">How kept tokens, and those to come, are encoded.</param>
    /// <param name="first">The border of a segment.</param>
    /// <param name="dense">From here on all are kept: they get a segment of their own.</param>
    /// <param name="kept">Positions that are there, ascending; at least one.</param>
    /// <param name="moves">
    /// Whether what stays as it is, and is no other cache's too, is copied: heads grow side by side, so memory that one keeps would hold on
    /// to what the others give back.
    /// </param>
    public HeadCache Compact(HeadCodec codec, int first, int dense, ReadOnlySpan<int> kept, bool moves)
    {
        var compact = new HeadCache(_layout, _pool, codec);
        foreach (KvSegment segment in _segments.TakeWhile(segment => segment.EndPosition <= first)) compact._segments.Add(segment.Share());
        using var reader = new TokenReader(this, _layout);
        ReadOnlySpan<TokenPlace> places = reader.Find(kept);
        int floats = Math.Min(Math.Min(codec.Residual, NewestRun(kept)), kept.Length - 1), sealedTokens = kept.Length - floats;
        for (int at = 0, start = first, next; at < sealedTokens; (at, start) = (next, next < kept.Length ? kept[next] : Length))
        {
            (BlockCodec Codec, bool IsDense) kind = Kind(kept[at]);
            if (WholeSegment(places, kept, at, start, kind.Codec) is int whole && at + whole <= sealedTokens)
            {
                KvSegment same = places[at].Segment!;
                bool copied = moves && same is PooledSegment { IsShared: false };
                compact._segments.Add(copied ? PooledSegment.CopyOf(same, _pool) : same.Share());
                next = at + whole;
                continue;
            }
            next = at + 1;
            while (next < sealedTokens && places[next].Follows(places[at]) && Kind(kept[next]) == kind
                && kept[next] - start <= KeptTokens.LargestSpan) next++;
            compact.Take(reader, places[at..next], kept[at..next], start, next < kept.Length ? kept[next] : Length, kind.Codec);
        }
        for (int i = sealedTokens; i < kept.Length; i++) reader.Append(places[i], compact.Tail);
        return compact;

        (BlockCodec, bool) Kind(int position) => (codec.At(position / KvBlock.Tokens * KvBlock.Tokens), position >= dense);
    }

    /// <summary>How many of the newest tokens stay without a gap where they were computed.</summary>
    private int NewestRun(ReadOnlySpan<int> kept)
    {
        int run = 0;
        while (run < Math.Min(kept.Length, Tail.TokenCount) && kept[kept.Length - 1 - run] == Length - 1 - run) run++;
        return run;
    }

    /// <summary>
    /// How many tokens a segment has that begins at <paramref name="start"/>, is kept whole and encoded as it is to be; else null.
    /// </summary>
    private int? WholeSegment(ReadOnlySpan<TokenPlace> places, ReadOnlySpan<int> kept, int at, int start, BlockCodec target)
    {
        if (places[at] is not { Segment: { } segment, Token: 0 } || Repaired is not null || segment.FirstPosition != start
            || segment.Codec != target) return null;
        int last = at + segment.TokenCount - 1;
        bool whole = last < kept.Length && places[last].Segment == segment
            && segment.EndPosition == (last + 1 < kept.Length ? kept[last + 1] : Length);
        return whole ? segment.TokenCount : null;
    }

    /// <summary>Encodes tokens into a segment that stands for positions [start, end).</summary>
    private void Take(TokenReader reader, ReadOnlySpan<TokenPlace> places, ReadOnlySpan<int> positions, int start, int end,
        BlockCodec codec)
    {
        int span = Math.Min(end - start, KeptTokens.LargestSpan);
        KeptTokens? kept = positions.Length == end - start ? null : KeptTokens.Of(positions, start, span);
        var segment = new PooledSegment(codec, start, places[0].Offset, kept) { ComputedAt = start - places[0].Moved };
        segment.EnsureCapacity(KvBlock.CountFor(places.Length));
        _segments.Add(segment);
        using var floats = new KvTail(_layout, _pool);
        for (int i = 0; i < places.Length; i++)
        {
            reader.Append(places[i], floats);
            if (floats.TokenCount == KvBlock.Tokens || i == places.Length - 1) EncodeOldest(floats, segment);
        }
        for (start += span; start < end; start += span) // nothing of a longer gap is there
            _segments.Add(new PooledSegment(codec, start, 0, new KeptTokens([], span = Math.Min(end - start, KeptTokens.LargestSpan))));
    }
}
