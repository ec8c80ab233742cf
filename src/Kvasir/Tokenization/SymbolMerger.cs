using System.Buffers;

namespace Kvasir.Tokenization;

/// <summary>
/// The merging of byte-pair encoding: again and again the neighbouring pair of least rank, the leftmost of equals, becomes one symbol.
/// Short pieces are scanned; long ones use a heap, so that a megabyte without a space costs n log n.
/// </summary>
internal static class SymbolMerger
{
    private const int LongestScan = 40;

    /// <summary>Merges in place; <paramref name="starts"/> holds where each symbol begins. Returns how many symbols are left.</summary>
    public static int Merge(MergeTable table, Span<int> ids, Span<int> starts) =>
        ids.Length <= LongestScan ? MergeByScan(table, ids, starts) : MergeByHeap(table, ids, starts);

    internal static int MergeByScan(MergeTable table, Span<int> ids, Span<int> starts)
    {
        int count = ids.Length;
        Span<ulong> pairs = count <= 64 ? stackalloc ulong[64] : new ulong[count];
        for (int i = 0; i + 1 < count; i++) pairs[i] = table.Find(ids[i], ids[i + 1]);
        while (count > 1)
        {
            ulong best = MergeTable.None;
            int at = 0;
            for (int i = 0; i < count - 1; i++)
            {
                if (pairs[i] >> 32 < best >> 32)
                {
                    best = pairs[i];
                    at = i;
                }
            }
            if (best == MergeTable.None) break;
            ids[at] = (int)(uint)best;
            count--;
            ids[(at + 2)..(count + 1)].CopyTo(ids[(at + 1)..]);
            starts[(at + 2)..(count + 1)].CopyTo(starts[(at + 1)..]);
            if (at + 1 < count)
            {
                pairs[(at + 2)..count].CopyTo(pairs[(at + 1)..]);
                pairs[at] = table.Find(ids[at], ids[at + 1]);
            }
            if (at > 0) pairs[at - 1] = table.Find(ids[at - 1], ids[at]);
        }
        return count;
    }

    internal static int MergeByHeap(MergeTable table, Span<int> ids, Span<int> starts)
    {
        int count = ids.Length;
        int[] linkStore = ArrayPool<int>.Shared.Rent(2 * count);
        ulong[] pairStore = ArrayPool<ulong>.Shared.Rent(count);
        // Every merge takes one entry out and puts at most two in, so the heap never holds more than 2n.
        ulong[] heapStore = ArrayPool<ulong>.Shared.Rent(2 * count);
        Span<int> next = linkStore.AsSpan(0, count);
        Span<int> previous = linkStore.AsSpan(count, count);
        Span<ulong> pairs = pairStore.AsSpan(0, count);
        var heap = new MinHeap(heapStore);
        for (int i = 0; i < count; i++)
        {
            next[i] = i + 1;
            previous[i] = i - 1;
            pairs[i] = i + 1 < count ? table.Find(ids[i], ids[i + 1]) : MergeTable.None;
            heap.PushPair(pairs[i], i);
        }
        while (heap.TryPop(out ulong top))
        {
            int at = (int)(uint)top;
            if (pairs[at] == MergeTable.None || pairs[at] >> 32 != top >> 32) continue;
            int gone = next[at];
            ids[at] = (int)(uint)pairs[at];
            int after = next[gone];
            next[at] = after;
            pairs[gone] = MergeTable.None;
            pairs[at] = MergeTable.None;
            if (after < count)
            {
                previous[after] = at;
                pairs[at] = table.Find(ids[at], ids[after]);
                heap.PushPair(pairs[at], at);
            }
            int before = previous[at];
            if (before >= 0)
            {
                pairs[before] = table.Find(ids[before], ids[at]);
                heap.PushPair(pairs[before], before);
            }
        }
        int kept = 0;
        for (int i = 0; i < count; i = next[i])
        {
            ids[kept] = ids[i];
            starts[kept++] = starts[i];
        }
        ArrayPool<int>.Shared.Return(linkStore);
        ArrayPool<ulong>.Shared.Return(pairStore);
        ArrayPool<ulong>.Shared.Return(heapStore);
        return kept;
    }

    /// <summary>A binary heap of (rank, position), least first.</summary>
    private ref struct MinHeap(Span<ulong> items)
    {
        private readonly Span<ulong> _items = items;
        private int _count;

        public void PushPair(ulong pair, int position)
        {
            if (pair == MergeTable.None) return;
            ulong item = (pair & 0xFFFFFFFF_00000000) | (uint)position;
            int at = _count++;
            while (at > 0 && _items[(at - 1) / 2] > item)
            {
                _items[at] = _items[(at - 1) / 2];
                at = (at - 1) / 2;
            }
            _items[at] = item;
        }

        public bool TryPop(out ulong top)
        {
            if (_count == 0)
            {
                top = 0;
                return false;
            }
            top = _items[0];
            ulong last = _items[--_count];
            int at = 0;
            while ((2 * at) + 1 < _count)
            {
                int child = (2 * at) + 1;
                if (child + 1 < _count && _items[child + 1] < _items[child]) child++;
                if (_items[child] >= last) break;
                _items[at] = _items[child];
                at = child;
            }
            _items[at] = last;
            return true;
        }
    }
}
