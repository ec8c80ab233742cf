namespace Kvasir.Cache;

/// <summary>
/// Which tokens of a run are still there, one head's: their positions counted from the start of the run, ascending. Lies in memory of its
/// own or in a mapped file; what a damaged file holds leads to wrong answers at most, never to reads outside.
/// </summary>
internal sealed unsafe class KeptTokens
{
    private readonly ushort[]? _own;
    private readonly ushort* _mapped;

    /// <param name="positions">Ascending, each below <paramref name="span"/>.</param>
    /// <param name="span">Tokens of the whole run, at most <see cref="LargestSpan"/>.</param>
    public KeptTokens(ushort[] positions, int span)
    {
        (_own, Count, Span) = (positions, positions.Length, span);
        for (int i = 0; i < positions.Length; i++)
            if (span > LargestSpan || positions[i] >= span || (i > 0 && positions[i] <= positions[i - 1]))
                throw new ArgumentException($"position {positions[i]} at {i} in a run of {span} tokens", nameof(positions));
    }

    /// <summary>Positions in mapped memory, which must stay mapped.</summary>
    public KeptTokens(ushort* positions, int count, int span)
    {
        _mapped = positions;
        (Count, Span) = (count, span);
    }

    /// <summary>The longest run: positions take two bytes.</summary>
    public const int LargestSpan = ushort.MaxValue;

    /// <summary>Tokens that are there.</summary>
    public int Count { get; }

    /// <summary>Tokens of the whole run.</summary>
    public int Span { get; }

    public ReadOnlySpan<ushort> Positions => _own is null ? new ReadOnlySpan<ushort>(_mapped, Count) : _own;

    /// <summary>Tokens at <paramref name="positions"/> of a run of <paramref name="span"/> from <paramref name="start"/> on.</summary>
    public static KeptTokens Of(ReadOnlySpan<int> positions, int start, int span)
    {
        ushort[] own = new ushort[positions.Length];
        for (int i = 0; i < own.Length; i++) own[i] = checked((ushort)(positions[i] - start));
        return new KeptTokens(own, span);
    }

    /// <summary>The same in memory of its own.</summary>
    public KeptTokens Copy() => _own is null ? new KeptTokens(Positions.ToArray(), Span) : this;

    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(Positions);

    /// <summary>How many of them are at most <paramref name="position"/>, which is counted from the start of the run.</summary>
    public int CountUpTo(int position)
    {
        if (position < 0) return 0;
        if (position >= Span) return Count;
        int found = Positions.BinarySearch((ushort)position);
        return found >= 0 ? found + 1 : ~found;
    }
}
