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
            (int Length, int Tokens)[] batch = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => (random.Next(0, 400), random.Next(3) == 0 ? random.Next(1, 40) : 1))];
            AttentionItem[] items = Plan(workers, batch);
            foreach (var tiles in items.GroupBy(item => (item.Entry, item.KvHead)))
            {
                Assert.All(tiles, item => Assert.InRange(item.Parts, 1, workers));
                Assert.All(tiles.GroupBy(item => item.FirstToken), parts => Assert.Equal(Enumerable.Range(0, parts.First().Parts), parts.Select(part => part.Part)));
                Assert.Equal(Enumerable.Range(0, batch[tiles.Key.Entry].Tokens), tiles.Where(item => item.Part == 0).SelectMany(item => Enumerable.Range(item.FirstToken, item.Tokens)));
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

    private static AttentionItem[] Plan(int workers, params (int Length, int Tokens)[] sequences)
    {
        var fixture = new SequenceFixture(1);
        var slice = new ForwardSlice();
        using var batch = new Batch();
        KvCache[] caches = [.. sequences.Select(_ => fixture.NewCache())];
        for (int s = 0; s < caches.Length; s++)
        {
            caches[s].Append(sequences[s].Length, seal: true, (_, _, _, _, _) => { });
            batch.Add(caches[s], new int[sequences[s].Tokens]);
        }

        foreach (BatchEntry entry in batch.Entries) slice.Take(batch, entry, entry.BeginStep(0), 0);
        using var plan = new AttentionPlan(heads: 6, kvHeads: 2, channels: 16, workers);
        plan.Build(slice);
        foreach (KvCache cache in caches) cache.Dispose();
        return [.. Enumerable.Range(0, plan.Count).Select(i => plan[i])];
    }
}
