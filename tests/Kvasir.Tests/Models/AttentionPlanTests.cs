using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Tests.Cache;

namespace Kvasir.Tests.Models;

public sealed class AttentionPlanTests
{
    [Fact]
    public void Every_token_of_every_head_is_planned_once_whatever_the_batch()
    {
        var random = new Random(3);
        for (int round = 0; round < 40; round++)
        {
            int workers = random.Next(1, 9);
            (int Length, int Tokens)[] batch =
                [.. Enumerable.Range(0, random.Next(1, 12))
                    .Select(_ => (random.Next(0, 400), random.Next(3) == 0 ? random.Next(1, 40) : 1))];
            AttentionItem[] items = Plan(workers, batch);
            foreach (var tiles in items.GroupBy(item => (item.Entry, item.KvHead)))
            {
                Assert.All(tiles, item => Assert.InRange(item.Parts, 1, workers));
                Assert.All(tiles.GroupBy(item => item.FirstToken), parts =>
                    Assert.Equal(Enumerable.Range(0, parts.First().Parts), parts.Select(part => part.Part)));
                Assert.Equal(Enumerable.Range(0, batch[tiles.Key.Entry].Tokens), tiles.Where(item => item.Part == 0)
                    .SelectMany(item => Enumerable.Range(item.FirstToken, item.Tokens)));
            }

            Assert.Equal(2 * batch.Length, items.Select(item => (item.Entry, item.KvHead)).Distinct().Count());
            Assert.True(items.Zip(items.Skip(1), (a, b) => Blocks(batch[a.Entry]) >= Blocks(batch[b.Entry])).All(inOrder => inOrder));
        }

        static int Blocks((int Length, int Tokens) entry) => (entry.Length + entry.Tokens + 31) / 32;
    }

    [Fact]
    public void Blocks_are_split_only_where_there_are_few_pieces_or_one_is_large()
    {
        Assert.All(Plan(2, (400, 1)), item => Assert.Equal(2, item.Parts));
        Assert.All(Plan(2, [.. Enumerable.Repeat((400, 1), 8)]), item => Assert.Equal(1, item.Parts));
        Assert.All(Plan(2, [.. Enumerable.Repeat((400, 1), 5)]), item => Assert.Equal(2, item.Parts));
        AttentionItem[] uneven = Plan(2, [.. Enumerable.Repeat((20, 1), 9), (3000, 1)]);
        Assert.Equal((9, 2), (uneven[0].Entry, uneven[0].Parts));
        Assert.All(uneven.Where(item => item.Entry < 9), item => Assert.Equal(1, item.Parts));
    }

    [Fact]
    public void Heads_are_cut_by_what_they_hold_themselves_and_the_longest_come_first()
    {
        var fixture = new SequenceFixture(1);
        using KvCache whole = fixture.NewCache(), uneven = fixture.NewCache();
        whole.Append(2000, seal: true, (_, _, _, _, _) => { });
        uneven.PlacePruned(whole, 0, (_, head) => [.. Enumerable.Range(0, head == 0 ? 40 : 1800).Select(token => (ushort)token)]);
        AttentionItem[] items = Plan(4, fixture, [uneven], [1]);
        Assert.Equal([1, 1, 1, 1, 0], items.Select(item => item.KvHead));
        Assert.Equal((4, 1), (items[0].Parts, items[^1].Parts));
    }

    private static AttentionItem[] Plan(int workers, params (int Length, int Tokens)[] sequences)
    {
        var fixture = new SequenceFixture(1);
        KvCache[] caches = [.. sequences.Select(_ => fixture.NewCache())];
        for (int s = 0; s < caches.Length; s++) caches[s].Append(sequences[s].Length, seal: true, (_, _, _, _, _) => { });
        AttentionItem[] items = Plan(workers, fixture, caches, [.. sequences.Select(sequence => sequence.Tokens)]);
        foreach (KvCache cache in caches) cache.Dispose();
        return items;
    }

    private static AttentionItem[] Plan(int workers, SequenceFixture fixture, KvCache[] caches, int[] tokens)
    {
        var slice = new ForwardSlice();
        using var batch = new Batch();
        for (int s = 0; s < caches.Length; s++) batch.Add(caches[s], new int[tokens[s]]);
        foreach (BatchEntry entry in batch.Entries)
        {
            KvCache.Step step = entry.BeginStep(0);
            slice.Take(batch, entry, step, 0);
            step.Open(0, entry.Count);
        }
        using var plan = new AttentionPlan(
            [new LayerSpec { Heads = 6, KvHeads = 2, KeySize = 16, ValueSize = 16, FeedForward = 1 }], workers);
        plan.Begin();
        plan.Build(slice, 0);
        return [.. Enumerable.Range(0, plan.Count).Select(i => plan[i])];
    }
}
