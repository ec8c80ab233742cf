using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

public class SymbolMergerTests
{
    [Fact]
    public void Scan_and_heap_merge_as_the_definition()
    {
        var random = new Random(5);
        for (int round = 0; round < 2000; round++)
        {
            (MergeTable table, List<(int Left, int Right, int Rank, int Merged)> merges) = RandomMerges(random);
            int[] symbols = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(-1, 4))];
            int[] expected = Merge(merges, symbols);
            Assert.Equal(expected, Merged(symbols, (ids, starts) => SymbolMerger.MergeByScan(table, ids, starts)));
            Assert.Equal(expected, Merged(symbols, (ids, starts) => SymbolMerger.MergeByHeap(table, ids, starts)));
        }
    }

    [Fact]
    public void A_megabyte_of_one_letter_takes_no_quadratic_time()
    {
        var table = new MergeTable(20);
        for (int id = 0; id < 16; id++)
        {
            table.Add(id, id, id, id + 1);
        }
        int[] ids = new int[1 << 20];
        var clock = Stopwatch.StartNew();
        int count = SymbolMerger.Merge(table, ids, new int[ids.Length]);
        Assert.Equal(ids.Length >> 16, count);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"took {clock.Elapsed}");
    }

    [Fact]
    public void Table_grows_and_keeps_the_first_of_equal_pairs()
    {
        var table = new MergeTable(1);
        for (int i = 0; i < 10000; i++)
        {
            Assert.True(table.Add(i, i + 1, i, i + 2));
            Assert.False(table.Add(i, i + 1, i + 1, i + 3));
        }
        for (int i = 0; i < 10000; i++)
        {
            Assert.Equal(((ulong)i << 32) | (uint)(i + 2), table.Find(i, i + 1));
        }
        Assert.Equal(MergeTable.None, table.Find(3, 5));
        Assert.Equal(MergeTable.None, table.Find(-1, -1));
    }

    private delegate int Merging(Span<int> ids, Span<int> starts);

    private static int[] Merged(int[] symbols, Merging merge)
    {
        int[] ids = [.. symbols];
        int[] starts = [.. Enumerable.Range(0, ids.Length)];
        int count = merge(ids, starts);
        for (int i = 1; i < count; i++)
        {
            Assert.True(starts[i] > starts[i - 1]);
        }
        return ids[..count];
    }

    private static (MergeTable, List<(int, int, int, int)>) RandomMerges(Random random)
    {
        var table = new MergeTable(4);
        var merges = new List<(int, int, int, int)>();
        for (int id = 4; id < 24; id++)
        {
            (int left, int right, int rank) = (random.Next(id), random.Next(id), random.Next(12));
            if (table.Add(left, right, rank, id))
            {
                merges.Add((left, right, rank, id));
            }
        }
        return (table, merges);
    }

    private static int[] Merge(List<(int Left, int Right, int Rank, int Merged)> merges, int[] symbols)
    {
        var ids = symbols.ToList();
        while (true)
        {
            var candidates = Enumerable.Range(0, ids.Count - 1)
                .SelectMany(at =>
                    merges.Where(merge => merge.Left == ids[at] && merge.Right == ids[at + 1])
                        .Select(merge => (merge.Rank, At: at, merge.Merged)))
                .ToList();
            if (candidates.Count == 0)
            {
                return [.. ids];
            }
            (_, int best, int merged) = candidates.Min();
            ids[best] = merged;
            ids.RemoveAt(best + 1);
        }
    }
}
