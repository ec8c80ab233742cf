using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

/// <summary>Rows that stand in place of sealed tokens, and runs of which only some tokens were kept: attention by the definition.</summary>
public sealed class RepairTests
{
    [Fact]
    public void Masks_and_counts_are_those_of_a_plain_list()
    {
        var random = new Random(3);
        for (int round = 0; round < 50; round++)
        {
            int[] positions = [.. Enumerable.Range(0, 200).Where(_ => random.Next(4) == 0)];
            var repaired = new RepairedPositions(positions);
            for (int first = 0; first < 260; first++)
            {
                uint mask = 0;
                foreach (int position in positions.Where(position => position >= first && position < first + 32))
                    mask |= 1u << position - first;
                Assert.Equal(mask, repaired.Mask(first));
                Assert.Equal(positions.Count(position => position <= first), repaired.CountUpTo(first));
            }
            Assert.Equal(positions.Count(position => position < 77), repaired.Below(77)?.Count ?? 0);
        }
        Assert.Throws<ArgumentException>(() => new RepairedPositions([3, 3]));
        Assert.Throws<ArgumentException>(() => new RepairedPositions([-1]));
    }

    [Theory]
    [InlineData("k=f32,v=f32", int.MaxValue)]
    [InlineData("k=f32,v=f32", 50)]
    [InlineData("k=kivi4,v=kivi4", int.MaxValue)]
    public void Repaired_rows_count_and_the_tokens_they_stand_for_do_not(string policy, int window)
    {
        var fixture = new SequenceFixture(11, window: window);
        using KvCache cache = fixture.NewCache(policy);
        fixture.Append(cache, 150);
        cache.Seal();
        int[] positions = [0, 1, 2, 31, 32, 40, 90, 91, 92, 93, 94, 120, 148, 149];
        cache.Repair(new RepairedPositions(positions));
        // From now on these tokens have other keys and values.
        foreach (int position in positions)
            for (int h = 0; h < fixture.Layer.KvHeads; h++)
            {
                (fixture.Keys[position][h], fixture.Values[position][h]) =
                    (fixture.Random(fixture.Layer.KeyChannels), fixture.Random(fixture.Layer.ValueChannels));
                Write(cache.Layers[0].Heads[h].Repaired!, position, fixture.Rotated(fixture.Keys[position][h], position),
                    fixture.Values[position][h]);
            }
        fixture.Append(cache, 40);
        float tolerance = policy.Contains("f32", StringComparison.Ordinal) ? 1e-4f : 0.6f;
        foreach (int rows in new[] { 2, 20 })
        {
            float[][] queries = fixture.Queries(rows);
            int position = cache.Length - rows / 2;
            SequenceFixture.Close(fixture.Expected(1, queries, position, 2, cache.Length), fixture.Attend(cache, 1, queries, position, 2),
                tolerance);
        }
        using KvCache fork = cache.Fork();
        fork.Truncate(100);
        Assert.Equal(positions.Count(position => position < 100), fork.Repaired!.Count);
        float[][] last = fixture.Queries(2);
        SequenceFixture.Close(fixture.Expected(0, last, 99, 2, 100), fixture.Attend(fork, 0, last, 99, 2), tolerance);
    }

    [Fact]
    public void A_repair_inside_a_pass_sees_only_what_stands_before_it()
    {
        var fixture = new SequenceFixture(12);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 100);
        cache.Seal();
        int[] positions = [5, 40, 41, 70];
        var repaired = new RepairedPositions(positions);
        cache.Repair(repaired);
        foreach (int position in positions)
            for (int h = 0; h < fixture.Layer.KvHeads; h++)
                Write(cache.Layers[0].Heads[h].Repaired!, position, fixture.Rotated(fixture.Keys[position][h], position),
                    fixture.Values[position][h]);
        float[][] queries = fixture.Queries(positions.Length);
        float[] found = fixture.AttendScattered(cache, 0, queries, repaired);
        for (int i = 0; i < positions.Length; i++)
            fixture.Close(fixture.Expected(0, [queries[i]], positions[i], 1, 100),
                found[(i * fixture.Layer.KeyChannels)..((i + 1) * fixture.Layer.KeyChannels)]);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(60)]
    public void Of_a_thinned_run_the_kept_tokens_count_in_memory_and_from_a_file(int window)
    {
        string folder = Directory.CreateTempSubdirectory().FullName, path = Path.Combine(folder, "thinned.kv");
        var fixture = new SequenceFixture(13, window: window);
        using KvCache whole = fixture.NewCache(), thinned = fixture.NewCache(), placed = fixture.NewCache();
        fixture.Append(whole, 130);
        ushort[][] kept = [[.. Enumerable.Range(0, 130).Where(i => i % 3 != 0).Take(70).Select(i => (ushort)i)],
            [.. Enumerable.Range(60, 41).Select(i => (ushort)i)]];
        thinned.PlacePruned(whole, 0, (_, head) => kept[head]);
        Assert.Equal(130, thinned.Length);
        thinned.Save(path, new int[130]);
        using (KvFile file = KvFile.Open(path, fixture.Layout, verify: true))
        {
            Assert.True(file.IsPruned);
            Assert.Equal(130, file.Tokens);
            placed.Place(file);
        }

        foreach (KvCache cache in new[] { thinned, placed })
        {
            Assert.Equal(130, cache.Length);
            foreach (int position in new[] { 129, 140, 100 })
                for (int head = 0; head < 2; head++)
                {
                    float[][] queries = fixture.Queries(2);
                    fixture.Close(fixture.Expected(head, queries, position, 2, 130, counts: t => kept[head].Contains((ushort)t)),
                        fixture.Attend(cache, head, queries, position, 2));
                }
            using KvCache copy = cache.Duplicate();
            copy.Truncate(95);
            Assert.Equal(95, copy.Length);
            Assert.Equal(kept[1].Count(i => i < 95), copy.Layers[0].Heads[1].Segments[^1].TokenCount);
        }
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A mapped list is whatever the file holds.</summary>
    [Fact]
    public unsafe void Lists_of_kept_tokens_that_are_nonsense_are_refused_or_harmless()
    {
        foreach (ushort[] list in new ushort[][] { [1, 2, 60], [3, 3], [40, 2] })
            Assert.Throws<ArgumentException>(() => new KeptTokens(list, 60));
        ushort[] nonsense = [40, 59, 3, 65535, 2];
        fixed (ushort* mapped = nonsense)
        {
            var kept = new KeptTokens(mapped, nonsense.Length, 60);
            for (int position = -2; position < 70; position++) Assert.InRange(kept.CountUpTo(position), 0, kept.Count);
        }
    }

    private static unsafe void Write(RepairedRows repaired, int position, float[] key, float[] value)
    {
        fixed (float* k = key, v = value) repaired.Rows.Write(repaired.Positions.CountUpTo(position) - 1, k, v);
    }
}
