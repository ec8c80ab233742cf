namespace Kvasir.Tokenization;

/// <summary>
/// The ids of pieces seen before: a bounded two-way table of immutable entries. Threads may lose each other's additions,
/// never see half of one.
/// </summary>
internal sealed class PieceCache
{
    /// <summary>Longer pieces are not kept.</summary>
    public const int LongestPiece = 32;

    private const int Slots = 1 << 15;
    private readonly Entry?[] _entries = new Entry?[Slots];

    /// <summary>The ids of <paramref name="piece"/>, if known.</summary>
    public bool TryGet(ReadOnlySpan<char> piece, uint hash, out ReadOnlySpan<int> ids)
    {
        int slot = (int)(hash % Slots);
        Entry? entry = Volatile.Read(ref _entries[slot]);
        if (entry is null || entry.Hash != hash || !piece.SequenceEqual(entry.Piece))
        {
            entry = Volatile.Read(ref _entries[slot ^ 1]);
            if (entry is null || entry.Hash != hash || !piece.SequenceEqual(entry.Piece))
            {
                ids = default;
                return false;
            }
        }
        ids = entry.Ids;
        return true;
    }

    /// <summary>Remembers a piece; the older of two entries in its set gives way.</summary>
    public void Add(ReadOnlySpan<char> piece, uint hash, ReadOnlySpan<int> ids)
    {
        int slot = (int)(hash % Slots);
        Volatile.Write(ref _entries[slot ^ 1], Volatile.Read(ref _entries[slot]));
        Volatile.Write(ref _entries[slot], new Entry(hash, piece.ToArray(), ids.ToArray()));
    }

    /// <summary>The hash that the other members take.</summary>
    public static uint Hash(ReadOnlySpan<char> piece)
    {
        ulong hash = (ulong)piece.Length;
        foreach (char unit in piece) hash = (hash ^ unit) * 0x9E3779B97F4A7C15;
        return (uint)(hash >> 32);
    }

    private sealed record Entry(uint Hash, char[] Piece, int[] Ids);
}
