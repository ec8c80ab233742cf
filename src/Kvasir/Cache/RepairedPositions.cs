namespace Kvasir.Cache;

/// <summary>
/// Positions of a sequence, ascending, whose keys and values were computed anew: what the segments hold of them counts no more.
/// </summary>
internal sealed class RepairedPositions
{
    private readonly int[] _positions;
    private readonly uint[] _bits;

    /// <param name="positions">At least 0, strictly ascending.</param>
    public RepairedPositions(ReadOnlySpan<int> positions)
    {
        _positions = positions.ToArray();
        _bits = new uint[positions.IsEmpty ? 0 : positions[^1] / 32 + 1];
        for (int i = 0; i < positions.Length; i++)
        {
            if (positions[i] < 0 || (i > 0 && positions[i] <= positions[i - 1]))
                throw new ArgumentException("positions must be at least 0 and ascend", nameof(positions));
            _bits[positions[i] / 32] |= 1u << positions[i] % 32;
        }
    }

    public int Count => _positions.Length;

    public int this[int index] => _positions[index];

    /// <summary>All positions below <paramref name="length"/>.</summary>
    public static RepairedPositions All(int length) => new([.. Enumerable.Range(0, length)]);

    /// <summary>How many of them are at most <paramref name="position"/>.</summary>
    public int CountUpTo(int position)
    {
        int found = Array.BinarySearch(_positions, position);
        return found >= 0 ? found + 1 : ~found;
    }

    /// <summary>Bit i tells whether <paramref name="first"/> + i is one of them.</summary>
    public uint Mask(int first)
    {
        int word = first / 32, shift = first % 32;
        uint low = word < _bits.Length ? _bits[word] >> shift : 0;
        return shift == 0 || word + 1 >= _bits.Length ? low : low | _bits[word + 1] << 32 - shift;
    }

    /// <summary>Those below <paramref name="length"/>; null where none is left.</summary>
    public RepairedPositions? Below(int length)
    {
        int count = CountUpTo(length - 1);
        return count == 0 ? null : count == Count ? this : new RepairedPositions(_positions.AsSpan(0, count));
    }
}

/// <summary>One head's keys and values at repaired positions, in float32.</summary>
internal sealed record RepairedRows(RepairedPositions Positions, KvTail Rows);
