using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Kvasir.Tokenization;

/// <summary>Which neighbours merge, how early, into what: an open-addressing hash table from a pair of ids to rank and merged id.</summary>
internal sealed class MergeTable
{
    /// <summary>What <see cref="Find"/> returns for a pair that does not merge; larger than every other value.</summary>
    public const ulong None = ulong.MaxValue;

    private Entry[] _entries;
    private int _shift;
    private int _count;

    /// <summary>An empty table with room for <paramref name="capacity"/> pairs; it grows.</summary>
    public MergeTable(int capacity) => Resize(Math.Max(16, BitOperations.RoundUpToPowerOf2((uint)(capacity + (capacity * 2L / 3)))));

    /// <summary>Adds a pair unless it is there already (the lower rank was added first). Returns whether it was new.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Add(int left, int right, int rank, int merged)
    {
        if (_count >= _entries.Length / 8 * 5) Grow();
        bool added = Insert(new Entry(Key(left, right), ((ulong)(uint)rank << 32) | (uint)merged));
        _count += added ? 1 : 0;
        return added;
    }

    /// <summary>Rank in the upper 32 bits, merged id in the lower; or <see cref="None"/>. Ids below zero never merge.</summary>
    public ulong Find(int left, int right)
    {
        ulong key = Key(left, right);
        Entry[] entries = _entries;
        int slot = Slot(key);
        while (true)
        {
            Entry entry = entries[slot];
            if (entry.Key == 0) return None;
            if (entry.Key == key) return entry.Value;
            slot = (slot + 1) & (entries.Length - 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Insert(Entry entry)
    {
        int slot = Slot(entry.Key);
        while (_entries[slot].Key != 0)
        {
            if (_entries[slot].Key == entry.Key) return false;
            slot = (slot + 1) & (_entries.Length - 1);
        }
        _entries[slot] = entry;
        return true;
    }

    private void Grow()
    {
        Entry[] old = _entries;
        Resize((uint)old.Length * 2);
        foreach (Entry entry in old)
        {
            if (entry.Key != 0) Insert(entry);
        }
    }

    [MemberNotNull(nameof(_entries))]
    private void Resize(uint size)
    {
        _entries = new Entry[size];
        _shift = 64 - BitOperations.Log2(size);
    }

    /// <summary>Never 0 for ids of tokens: that is a slot that holds nothing.</summary>
    private static ulong Key(int left, int right) => (((ulong)(uint)left << 32) | (uint)right) + 1;

    private int Slot(ulong key) => (int)((key * 0x9E3779B97F4A7C15) >> _shift);

    private readonly record struct Entry(ulong Key, ulong Value);
}
