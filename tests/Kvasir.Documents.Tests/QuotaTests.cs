using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Tests;

/// <summary>The KV of chunks stays within the store's quota; texts and embeddings stay whole.</summary>
public sealed class QuotaTests : LibraryFixture
{
    private static readonly AskOptions All = new() { Passages = 9 };

    [Fact]
    public void Quota_is_kept_in_the_store_and_enforced_at_once()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Assert.Null(library.Store.KvQuota);
        long all = Used(), freed = library.Store.SetKvQuota(all - 1);
        Assert.Equal((all - 1, all), (library.Store.KvQuota, Used() + freed));
        Assert.Equal(3, ChunkFiles().Count);
        Assert.Equal(all - 1, Open().Store.Statistics().KvQuota);
        Assert.Equal(4, library.Store.Statistics().Chunks);
        library.Store.SetKvQuota(null);
        Assert.Null(Open().Store.KvQuota);
        Assert.Equal(1, library.Ingest([Documents]).ComputedChunks);
    }

    [Fact]
    public void Least_recently_used_kv_makes_room_for_new()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        List<FileInfo> files = ChunkFiles();
        for (int i = 0; i < files.Count; i++)
        {
            files[i].LastWriteTimeUtc = DateTime.UtcNow.AddDays(i - 9);
        }

        library.Store.SetKvQuota(Used());
        string fresh = Folder.File("fresh.txt", "Fish swim.");
        Assert.Equal((1, 0), library.Ingest([fresh]) is var report ? (report.ComputedChunks, report.ChunksWithoutKv) : default);
        Assert.Equal([false, true, true, true], files.Select(file => File.Exists(file.FullName)));
    }

    [Fact]
    public void Kv_that_a_question_uses_is_not_the_first_to_go()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        List<FileInfo> files = ChunkFiles();
        files.ForEach(file => file.LastWriteTimeUtc = DateTime.UtcNow.AddDays(-9));
        library.Ask("Why do cats purr?", new AskOptions { Passages = 1 }).Complete();
        FileInfo used = Assert.Single(ChunkFiles(), file => file.LastWriteTimeUtc > DateTime.UtcNow.AddMinutes(-1));
        library.Store.SetKvQuota(used.Length);
        Assert.Equal([used.FullName], ChunkFiles().Select(file => file.FullName));
    }

    [Fact]
    public void Use_is_noted_at_most_once_a_minute()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        DateTime before = DateTime.UtcNow.AddSeconds(-30);
        ChunkFiles().ForEach(file => file.LastWriteTimeUtc = before);
        library.Ask("Why do cats purr?", All).Complete();
        Assert.All(ChunkFiles(), file => Assert.Equal(before, file.LastWriteTimeUtc, TimeSpan.FromMilliseconds(1)));
    }

    [Fact]
    public void Ingest_stops_computing_when_what_it_stored_fills_the_quota()
    {
        for (int i = 0; i < 40; i++)
        {
            Folder.File($"documents/{i:00}.txt", string.Create(CultureInfo.InvariantCulture, $"Number {i:00} is here."));
        }

        using DocumentLibrary library = Open();
        library.Store.SetKvQuota(100);
        IngestReport report = library.Ingest([Documents]);
        Assert.InRange(report.ComputedChunks, 2, 8);
        Assert.Equal(44, report.Chunks);
        Assert.Equal((ChunkFiles().Count, 44), (report.ComputedChunks, report.ComputedChunks + report.ChunksWithoutKv));
        Assert.InRange(Used(), 50, 100);
        int prefilled = Model.PrefilledTokens;
        Assert.Equal(report.ChunksWithoutKv, library.Ingest([Documents]).ChunksWithoutKv);
        Assert.InRange(Model.PrefilledTokens - prefilled, 0, 60);
        Answer answer = library.Ask("Which number is 37?", new AskOptions { Passages = 1 });
        answer.Complete();
        Assert.Contains("37", answer.Sources[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Ingesting_two_folders_by_turns_does_not_compute_each_anew()
    {
        string other = Path.GetDirectoryName(Folder.File("other/birds.txt", "Birds fly south in autumn, most of them."))!;
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        library.Store.SetKvQuota(Used());
        library.Ingest([other]);
        for (int turn = 0; turn < 3; turn++)
        {
            Assert.Equal(0, library.Ingest([Documents]).ConvertedChunks);
            Assert.Equal(0, library.Ingest([other]).ComputedChunks);
        }

        Assert.True(library.Verify().Missing > 0);
    }

    [Fact]
    public void Chunk_beyond_the_quota_is_never_stored()
    {
        using DocumentLibrary library = Open();
        library.Store.SetKvQuota(1);
        Assert.Equal(4, library.Ingest([Documents]).ChunksWithoutKv);
        Answer answer = library.Ask("Why do cats purr?", All);
        Assert.Equal("An answer", answer.Complete());
        Assert.True(answer.RecomputedTokens > 0);
        Assert.Empty(ChunkFiles());
    }

    [Fact]
    public void Question_stores_within_the_quota_and_frees_none_of_its_own()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        List<FileInfo> files = ChunkFiles();
        library.Store.SetKvQuota(files.Sum(file => file.Length) - 1);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("An answer", library.Ask("Why do cats purr?", All).Complete());
            Assert.Equal(3, ChunkFiles().Count);
        }

        library.Store.SetKvQuota(files.Max(file => file.Length));
        foreach (string question in new[] { "Why do cats purr?", "Who likes long walks?" })
        {
            Answer answer = library.Ask(question, new AskOptions { Passages = 1 });
            answer.Complete();
            Answer again = library.Ask(question, new AskOptions { Passages = 1 });
            again.Complete();
            Assert.Equal(0, again.RecomputedTokens);
            Assert.Single(ChunkFiles());
        }
    }

    [Fact]
    public void Garbage_collection_frees_what_is_beyond_the_quota()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        long used = Used();
        library.Store.Catalog.KvQuota = used / 2;
        long freed = library.Store.CollectGarbage();
        Assert.InRange(Used(), 1, used / 2);
        Assert.Equal(used, Used() + freed);
    }

    [Fact]
    public void Conversion_needs_room_for_both_and_goes_on_with_a_larger_quota()
    {
        using (DocumentLibrary library = Open())
        {
            library.Ingest([Documents]);
        }

        long used = Used();
        using DocumentStore store = DocumentStore.Open(Store);
        store.SetKvQuota(used * 3 / 2);
        var small = new FakeModel(sameTokenizer: Model) { Policy = "k=kivi4,v=kivi4" };
        Assert.Contains("store quota",
            Assert.Throws<InvalidInputException>(() => store.ConvertKv(small, new KvConversionOptions { RemoveSource = true })).Message,
            StringComparison.Ordinal);
        Assert.Equal(used, store.Statistics().Kv.Single(kv => kv.Policy == Model.Policy).Bytes);
        Assert.InRange(Used(), used + 1, used * 3 / 2);
        store.SetKvQuota(used * 2);
        Assert.True(store.ConvertKv(small, new KvConversionOptions { RemoveSource = true }).SourceRemoved);
    }

    [Fact]
    public void Sum_of_all_files_stays_within_the_quota_at_every_write()
    {
        var watch = new Watched();
        long quota = 150;
        var random = new Random(5);
        using DocumentLibrary library = Open(new FakeModel(watch, Model), files: watch);
        watch.AtWrite = () =>
        {
            string kv = Path.Combine(Store, "kv");
            long sum = Directory.Exists(kv)
                ? Directory.EnumerateFiles(kv, "*", SearchOption.AllDirectories)
                .Where(file => !file.Contains("prefix.kv", StringComparison.Ordinal)).Sum(file => new FileInfo(file).Length) : 0;
            Assert.InRange(sum, 0, quota);
        };
        library.Store.SetKvQuota(quota);
        for (int i = 0; i < 60; i++)
        {
            Folder.File($"documents/{random.Next(12)}.txt",
                string.Join(' ', Enumerable.Range(0, random.Next(1, 60)).Select(_ => $"w{random.Next(90)}")));
            if (i % 3 == 0)
            {
                library.Ingest([Documents]);
            }

            Assert.Equal("An answer", library.Ask($"Where is w{random.Next(90)}?", new AskOptions { Passages = random.Next(1, 6) })
                .Complete());
            watch.AtWrite();
        }

        Assert.True(watch.Writes > 50);
    }

    private List<FileInfo> ChunkFiles() =>
        [.. KvFiles().Where(file => !file.EndsWith("prefix.kv", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(file => new FileInfo(file))];

    private long Used() => ChunkFiles().Sum(file => file.Length);

    /// <summary>Lets a test look at the folder after every write.</summary>
    private sealed class Watched : StoreFiles
    {
        public Action AtWrite { get; set; } = () => { };

        public int Writes { get; private set; }

        public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
        {
            base.Write(file, bytes, offset);
            Writes++;
            AtWrite();
        }
    }
}
