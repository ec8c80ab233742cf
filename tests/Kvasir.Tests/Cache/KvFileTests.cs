using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

public sealed class KvFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-kv").FullName;

    private string FilePath => Path.Combine(_folder, "chunk.kv");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_placed_elsewhere_equals_recomputing_there(bool interleaved)
    {
        // The chunk is computed at position 0 and placed behind 37 other tokens: the definition rotates its keys for positions 37 on.
        var chunk = new SequenceFixture(1, interleaved: interleaved);
        using (KvCache source = chunk.NewCache())
        {
            chunk.Append(source, 77);
            source.Save(FilePath, Ids(77));
        }
        var fixture = new SequenceFixture(2, interleaved: interleaved);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 37);
        using (KvFile file = KvFile.Open(FilePath, chunk.Layout, verify: true)) cache.Place(file);
        fixture.Keys.AddRange(chunk.Keys);
        fixture.Values.AddRange(chunk.Values);
        fixture.Append(cache, 20);
        Assert.Equal(37 + 77 + 20, cache.Length);
        float[][] queries = fixture.Queries(6);
        fixture.Close(fixture.Expected(1, queries, 132, 3, 134), fixture.Attend(cache, 1, queries, 132, 3));
    }

    [Fact]
    public void A_saved_part_starts_at_its_border_and_keeps_ids_and_policy()
    {
        var fixture = new SequenceFixture(3);
        using KvCache cache = fixture.NewCache("k=f16,v=f32");
        fixture.Append(cache, 24);
        cache.Seal();
        fixture.Append(cache, 50);
        cache.Save(FilePath, Ids(50), firstToken: 24);
        using KvFile file = KvFile.Open(FilePath, fixture.Layout, verify: true);
        Assert.Equal(24, file.FirstPosition);
        Assert.Equal(Ids(50), file.Ids);
        Assert.Equal(KvPolicy.Parse("k=f16,v=f32"), file.Policy);
        Assert.Equal(2 * 2 * 32 * 16 * (2 + 4), file.Bytes);
        KvFileSummary summary = KvFileSummary.Read(FilePath);
        Assert.Equal(new KvFileSummary(4, "model", "tokenizer", "k=f16,v=f32", 24, 50, 1, summary.Segments), summary);
        Assert.Equal([new KvSegmentSummary(24, 0, 50, 2, "f16", "f32")], summary.Segments);
    }

    [Fact]
    public void A_border_between_full_blocks_can_be_saved_from()
    {
        var fixture = new SequenceFixture(7);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 64);
        cache.Seal();
        fixture.Append(cache, 50);
        cache.Save(FilePath, Ids(50), firstToken: 64);
        using KvFile file = KvFile.Open(FilePath, fixture.Layout, verify: true);
        Assert.Equal([new KvSegmentSummary(64, 0, 50, 2, "f32", "f32")], KvFileSummary.Read(FilePath).Segments);
        cache.Truncate(64);
        cache.Place(file);
        float[][] queries = fixture.Queries(2);
        fixture.Close(fixture.Expected(1, queries, 113, 2, 114), fixture.Attend(cache, 1, queries, 113, 2));
    }

    [Fact]
    public void A_part_behind_whole_blocks_can_be_saved_alone()
    {
        var fixture = new SequenceFixture(11);
        using KvCache cache = fixture.NewCache("k=kivi4,v=kivi4,residual=0");
        fixture.Append(cache, 96);
        cache.Seal();
        using KvCache fork = cache.Fork();
        fixture.Append(fork, 50);
        fork.Save(FilePath, Ids(50), firstToken: 96);
        using KvFile file = KvFile.Open(FilePath, fixture.Layout, verify: true);
        Assert.Equal((96, 50), (file.FirstPosition, file.Tokens));
    }

    [Fact]
    public void A_border_inside_a_block_is_refused()
    {
        var fixture = new SequenceFixture(4);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 50);
        Assert.Throws<ArgumentException>(() => cache.Save(FilePath, Ids(30), firstToken: 20));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Caches_keep_the_mapping_alive()
    {
        var fixture = new SequenceFixture(5);
        using (KvCache source = fixture.NewCache())
        {
            fixture.Append(source, 64);
            source.Save(FilePath, Ids(64));
        }
        using KvCache cache = fixture.NewCache();
        using (KvFile file = KvFile.Open(FilePath, fixture.Layout, verify: false)) cache.Place(file);
        File.Delete(FilePath);
        using KvCache fork = cache.Fork();
        cache.Truncate(0);
        float[][] queries = fixture.Queries(1);
        fixture.Close(fixture.Expected(0, queries, 63, 1, 64), fixture.Attend(fork, 0, queries, 63, 1));
    }

    [SkippableFact]
    public void A_file_is_unmapped_when_nothing_of_it_is_left()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "mappings are looked up in /proc");
        Write(out SequenceFixture fixture);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 10);
        using (KvFile file = KvFile.Open(FilePath, fixture.Layout, verify: false))
        {
            cache.Place(file);
            cache.Place(file);
        }
        using KvCache fork = cache.Fork();
        cache.Truncate(50);
        Assert.True(IsMapped());
        cache.Truncate(10);
        Assert.True(IsMapped());
        fork.Dispose();
        Assert.False(IsMapped());

        bool IsMapped() => File.ReadAllText("/proc/self/maps").Contains(FilePath, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_another_model_is_refused_by_name()
    {
        Write(out SequenceFixture fixture);
        KvLayout other = fixture.LayoutOf("another", "tokenizer");
        Assert.Contains("another model", Assert.Throws<InvalidInputException>(() => KvFile.Open(FilePath, other, verify: false)).Message,
            StringComparison.Ordinal);
        other = fixture.LayoutOf("model", "another");
        Assert.Contains("another tokenizer",
            Assert.Throws<InvalidInputException>(() => KvFile.Open(FilePath, other, verify: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_changed_byte_is_found()
    {
        byte[] good = Write(out SequenceFixture fixture);
        int dataOffset = BitConverter.ToInt32(good, 12);
        var random = new Random(1);
        for (int i = 0; i < 300; i++)
        {
            byte[] bad = [.. good];
            int at = random.Next(i % 2 == 0 ? dataOffset : good.Length);
            bad[at] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(FilePath, bad);
            Assert.ThrowsAny<KvasirException>(() => KvFile.Open(FilePath, fixture.Layout, verify: true).Dispose());
        }
    }

    [Fact]
    public void A_truncated_file_is_refused_at_every_length()
    {
        byte[] good = Write(out SequenceFixture fixture);
        for (int length = 0; length < good.Length; length += 97)
        {
            File.WriteAllBytes(FilePath, good[..length]);
            Assert.Throws<InvalidInputException>(() => KvFile.Open(FilePath, fixture.Layout, verify: false).Dispose());
        }
    }

    private byte[] Write(out SequenceFixture fixture)
    {
        fixture = new SequenceFixture(6);
        using KvCache cache = fixture.NewCache();
        fixture.Append(cache, 40);
        cache.Save(FilePath, Ids(40));
        return File.ReadAllBytes(FilePath);
    }

    private static int[] Ids(int count) => [.. Enumerable.Range(5, count)];
}
