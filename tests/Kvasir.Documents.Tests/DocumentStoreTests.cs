namespace Kvasir.Documents.Tests;

public sealed class DocumentStoreTests : LibraryFixture
{
    [Fact]
    public void AnotherModel_gets_kv_of_its_own_and_keeps_texts_and_embeddings()
    {
        using (DocumentLibrary library = Open())
        {
            library.Ingest([Documents]);
        }

        int embedded = Encoder.Embedded;
        var other = new FakeModel { Identity = "model-b" };
        using DocumentLibrary second = Open(other);
        second.Ask("Why do cats purr?", new AskOptions { Passages = 1 }).Complete();
        Assert.True(other.PrefilledTokens > 3, "KV of another model was used");
        Assert.Equal(3, second.Ingest([Documents]).ComputedChunks);
        Assert.Equal(embedded + 1, Encoder.Embedded);
        Assert.Equal([4, 4], second.Store.Statistics().Kv.Select(kv => kv.Chunks));
    }

    [Fact]
    public void AnotherEncoder_gets_vectors_of_its_own()
    {
        using (DocumentLibrary library = Open())
        {
            library.Ingest([Documents]);
        }

        var other = new FakeEncoder { Identity = "encoder-b" };
        using DocumentLibrary second = Open(encoder: other);
        Assert.Equal(0, second.Ingest([Documents]).ComputedChunks);
        Assert.Equal(4, other.Embedded);
        Assert.True(second.Search("cats purr", 1)[0].Cosine > 0);
    }

    [Fact]
    public void Full_disk_at_any_write_leaves_the_store_intact()
    {
        string first = Folder.File("first.txt", "The first file, kept all the time.");
        var disk = new FullDisk(0);
        for (int writes = 0; writes == 0 || disk.Failed; writes++)
        {
            StoreNumber = writes;
            Open().Ingest([first]);
            disk = new FullDisk(writes);
            using (DocumentLibrary library = Open(new FakeModel(disk, sameTokenizer: Model), files: disk))
            {
                Exception? error = Record.Exception(() => library.Ingest([Documents]));
                Assert.True(error is StoreWriteException ? error.Message.Contains("the disk is full", StringComparison.Ordinal)
                    && !error.Message.Contains('\n', StringComparison.Ordinal) : error is null, error?.ToString());
            }

            using DocumentLibrary after = Open();
            Assert.Contains(after.Store.List(), file => file.Path == first);
            Assert.Equal(0, after.Store.Statistics().DamagedRecords);
            Assert.Empty(after.Verify().Damaged);
            after.Ask("Which file is kept?").Complete();
            after.Ingest([Documents]);
            Assert.Equal(3, after.Store.List().Count);
            Assert.Equal((5, 0), after.Verify() is var check ? (check.Chunks, check.Missing) : default);
        }

        Assert.True(StoreNumber > 3, "too few writes went through the door");
    }

    [Fact]
    public void Database_without_room_leaves_the_store_intact()
    {
        string first = Folder.File("first.txt", "The first file, kept all the time.");
        Folder.File("documents/long.txt", string.Join(' ', Enumerable.Range(0, 3000).Select(i => $"w{i}")));
        bool failed = true;
        for (int pages = 0; failed; pages++)
        {
            StoreNumber = 100 + pages;
            using (DocumentLibrary before = Open()) before.Ingest([first]);
            using (DocumentLibrary library = Open())
            {
                ((SqliteCatalog)library.Store.Catalog).Limit(pages);
                Exception? error = Record.Exception(() => library.Ingest([Documents]));
                failed = error is not null;
                Assert.True(error is StoreWriteException ? error.Message.Contains("the disk is full", StringComparison.Ordinal)
                    && !error.Message.Contains('\n', StringComparison.Ordinal) : error is null, error?.ToString());
            }

            using DocumentLibrary after = Open();
            Assert.Contains(after.Store.List(), file => file.Path == first);
            Assert.True(after.Verify().IsSound);
            after.Ask("Which file is kept?").Complete();
            after.Ingest([Documents]);
            Assert.Equal(4, after.Store.List().Count);
        }

        Assert.InRange(StoreNumber, 103, int.MaxValue);
    }

    [Fact]
    public void Store_of_an_earlier_version_is_refused_and_says_what_to_do()
    {
        Directory.CreateDirectory(Path.Combine(Store, "kv"));
        File.WriteAllText(Path.Combine(Store, "catalog.log"), "old");
        string message = Assert.Throws<InvalidInputException>(() => Open()).Message;
        Assert.Contains("delete its catalog.log, then ingest its documents anew", message, StringComparison.Ordinal);
        File.Delete(Path.Combine(Store, "catalog.log"));
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
    }

    [Fact]
    public void Database_of_the_first_version_is_brought_to_this_one_and_embedded_anew()
    {
        using (DocumentLibrary before = Open())
        {
            before.Ingest([Documents]);
            ICatalog catalog = before.Store.Catalog;
            catalog.Embed(Encoder.Identity, [.. catalog.Texts(null).Select(text => (text, Enumerable.Repeat(1f, 128).ToArray()))]);
        }

        Tamper("PRAGMA user_version=1");
        using DocumentLibrary library = Open();
        Passage found = library.Search("Why do cats purr?", 1)[0];
        Assert.Equal((true, 0f), (found.Text.Contains("purr", StringComparison.Ordinal), found.Cosine));
        Assert.Contains("words alone find them", Assert.Single(library.Store.Warnings).Problem, StringComparison.Ordinal);
        Assert.Equal(0, library.Ingest([Documents]).ComputedChunks);
        Assert.True(library.Search("Why do cats purr?", 1)[0].Cosine > 0);
        Assert.True(library.Verify().IsSound);
    }

    [Fact]
    public void Backup_made_while_another_writes_is_a_store()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        using DocumentStore other = DocumentStore.Open(Store);
        using (other.Write())
        {
            other.Catalog.Add("/unfinished", new DocumentContent(null, "", [], 16, [new ChunkContent(0, 4, 1, "text")]));
            library.Store.Backup(Folder.File("copy/store.db", "what was there before"));
        }

        using var copy = new DocumentLibrary(DocumentStore.Open(Folder.Sub("copy")), Model, Encoder, 16);
        Assert.Equal(2, copy.Store.List().Count);
        Assert.True(copy.Search("Why do cats purr?", 1)[0].Cosine > 0);
        Assert.Equal("An answer", copy.Ask("Why do cats purr?").Complete());
        Assert.Contains("no such folder",
            Assert.Throws<InvalidInputException>(() => library.Store.Backup(Folder.Sub("nowhere/store.db"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("could not be written", Assert.Throws<StoreWriteException>(() => library.Store.Backup(Folder.Sub("copy"))).Message,
            StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Folder.Path, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void Second_writer_is_refused_and_readers_go_on()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        using DocumentLibrary other = Open();
        using (other.Store.Write())
        {
            Assert.Contains("another process is writing", Assert.Throws<StoreWriteException>(() => library.Ingest([Documents])).Message,
                StringComparison.Ordinal);
            Assert.Equal("An answer", library.Ask("Why do cats purr?").Complete());
        }

        library.Ingest([Documents]);
    }

    [Fact]
    public void Reader_sees_what_a_writer_added_and_room_is_used_again()
    {
        using DocumentLibrary reader = Open();
        using DocumentLibrary writer = Open(chunkTokens: 4000);
        string path = Path.Combine(Documents, "long.txt");
        for (int version = 0; version < 8; version++)
        {
            File.WriteAllText(path, string.Join(' ', Enumerable.Range(0, 15_000).Select(i => $"v{version}w{i}")));
            writer.Ingest([path]);
            Assert.StartsWith($"v{version}w14999", reader.Search($"v{version}w14999", 1)[0].Text.Split(' ')[^1], StringComparison.Ordinal);
        }

        Assert.InRange(new FileInfo(Path.Combine(Store, "store.db")).Length, 1, 5 << 20);
    }

    [Fact]
    public void Leftovers_of_a_killed_writer_are_removed()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        string left = Path.Combine(Path.GetDirectoryName(KvFiles()[0])!, "x.kv.123.tmp");
        File.WriteAllText(left, "half");
        library.Ingest([Documents]);
        Assert.False(File.Exists(left));
    }

    [Fact]
    public void Removed_file_takes_its_kv_along()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Assert.Equal(1, library.Store.Remove(Path.Combine(Documents, "sub")));
        StoreStatistics statistics = library.Store.Statistics();
        Assert.Equal((1, 1, 2, 2), (statistics.Files, statistics.Documents, statistics.Chunks, statistics.Kv[0].Chunks));
    }

    [Fact]
    public void Store_never_settles_among_other_files()
    {
        Assert.Contains("holds other things", Assert.Throws<InvalidInputException>(() => DocumentStore.Open(Documents,
            create: true)).Message, StringComparison.Ordinal);
        Assert.Contains("no document store", Assert.Throws<InvalidInputException>(() => DocumentStore.Open(Folder.Sub("nothing"))).Message,
            StringComparison.Ordinal);
    }
}
