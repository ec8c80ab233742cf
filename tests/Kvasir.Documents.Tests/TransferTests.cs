using System.IO.Compression;
using System.Security.Cryptography;
using Kvasir.Cache;

namespace Kvasir.Documents.Tests;

/// <summary>Documents with their KV from one store to another.</summary>
public sealed class TransferTests : LibraryFixture
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private string File => Folder.Sub("all.kvx");

    [Fact]
    public void An_imported_document_is_answered_from_without_computing_it()
    {
        Fill();
        ExportReport exported = Export();
        Assert.Equal((2, 2, 4), (exported.Files, exported.Documents, exported.Chunks));
        Assert.Equal(new FileInfo(File).Length, exported.Bytes);
        StoreNumber = 1;
        int embedded = Encoder.Embedded;
        Model.PrefilledTokens = 0;
        ImportReport imported = Import();
        Assert.Equal((2, 2, 2, 4, 5), (imported.Files, imported.ChangedFiles, imported.Documents, imported.Chunks, imported.KvFiles));
        using DocumentLibrary library = Open();
        Answer answer = library.Ask("Why do cats purr?");
        answer.Complete();
        Assert.Equal(0, answer.RecomputedTokens);
        Assert.True(answer.ReusedTokens > 0);
        Assert.Equal(0, Model.PrefilledTokens);
        Assert.Equal(embedded + 1, Encoder.Embedded);
        Assert.Contains("purr", answer.Sources[0].Text, StringComparison.Ordinal);
        Assert.Empty(library.Verify().Damaged);
    }

    [Fact]
    public void Nothing_is_computed_where_the_files_are_ingested_after_the_import()
    {
        Fill();
        Export();
        StoreNumber = 1;
        Import();
        int embedded = Encoder.Embedded;
        using DocumentLibrary library = Open();
        IngestReport report = library.Ingest([Documents]);
        Assert.Equal((0, 0, embedded), (report.ComputedChunks, report.ChangedFiles, Encoder.Embedded));
    }

    [Fact]
    public void Kv_beyond_the_quota_is_left_out_and_computed_by_the_question()
    {
        Fill();
        Export();
        StoreNumber = 1;
        using DocumentLibrary library = Open();
        library.Store.SetKvQuota(120);
        ImportReport imported = Import();
        Assert.Equal(4, imported.KvFiles - 1 + imported.KvFilesLeftOut);
        Assert.InRange(library.Store.Statistics().KvBytes, 60, 120);
        Assert.True(imported.KvFilesLeftOut > 0);
        Answer answer = library.Ask("Why do cats purr?", new AskOptions { Passages = 9 });
        Assert.Equal("An answer", answer.Complete());
        Assert.True(answer.RecomputedTokens > 0);
    }

    [Fact]
    public void Importing_twice_changes_nothing()
    {
        Fill();
        Export();
        StoreNumber = 1;
        Import();
        var before = Snapshot();
        ImportReport again = Import();
        Assert.Equal((2, 0, 0, 0L), (again.Files, again.ChangedFiles, again.KvFiles, again.KvBytes));
        Assert.Equal(before, Snapshot());
        StoreNumber = 0;
        before = Snapshot();
        Import();
        Assert.Equal(before, Snapshot());
    }

    [Fact]
    public void Equal_documents_give_equal_files()
    {
        Fill();
        Export();
        byte[] first = System.IO.File.ReadAllBytes(File);
        StoreNumber = 1;
        Import();
        Export();
        Assert.Equal(first, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void Documents_can_be_stored_under_another_path()
    {
        Fill();
        Export();
        StoreNumber = 1;
        string moved = Folder.Sub("moved");
        Import(new ImportOptions { As = moved });
        using (DocumentStore store = DocumentStore.Open(Store))
        {
            Assert.Equal([Path.Combine(moved, "cats.txt"), Path.Combine(moved, "sub", "dogs.md")], store.List().Select(file => file.Path));
        }

        StoreNumber = 0;
        Export(Path.Combine(Documents, "cats.txt"));
        StoreNumber = 2;
        Import(new ImportOptions { As = Folder.Sub("one.txt") });
        using DocumentStore single = DocumentStore.Open(Store);
        Assert.Equal([Folder.Sub("one.txt")], single.List().Select(file => file.Path));
    }

    [Fact]
    public void A_path_that_is_there_is_replaced_and_others_stay()
    {
        Fill();
        Export(Path.Combine(Documents, "cats.txt"));
        StoreNumber = 1;
        Folder.File("documents/cats.txt", "Cats were different then.");
        Fill();
        ImportReport report = Import();
        Assert.Equal((1, 1), (report.Files, report.ChangedFiles));
        using DocumentLibrary library = Open();
        Assert.Equal(2, library.Store.List().Count);
        Assert.DoesNotContain("different", library.Search("cats", 1)[0].Text, StringComparison.Ordinal);
        Assert.Equal(4, KvFiles().Count(file => Path.GetFileName(file) != "prefix.kv"));
    }

    [Fact]
    public void Only_the_kv_that_was_asked_for_is_exported()
    {
        Fill();
        Fill(new FakeModel(sameTokenizer: Model) { Policy = "k=q8,v=q8" });
        Fill(new FakeModel(sameTokenizer: Model) { Identity = "model-b-identity" });
        Assert.Equal(3, Export().Kv.Count);
        Assert.Equal(["k=q8,v=q8"], Export(options: new ExportOptions { Policy = KvPolicy.Parse("k=q8,v=q8") }).Kv.Select(kv => kv.Policy));
        Assert.Equal(["model-b-identity"], Export(options: new ExportOptions { Model = "model-b-" }).Kv.Select(kv => kv.ModelIdentity));
        Assert.Equal(3, Export(options: new ExportOptions { Model = "FAKE" }).Kv.Count);
        Assert.Contains("fake.gguf as k=q8,v=q8", Refused(() => Export(options: new ExportOptions { Model = "other" })),
            StringComparison.Ordinal);
        Assert.Contains("not in the store", Refused(() => Export(Folder.Sub("nowhere"))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_signed_file_is_imported_with_its_key_only_or_with_none()
    {
        Fill();
        Export(options: new ExportOptions { Key = Key });
        StoreNumber = 1;
        Assert.Contains("not signed with this key", Refused(() => Import(new ImportOptions { Key = [.. Key.Reverse()] })),
            StringComparison.Ordinal);
        Rewrite(("documents", "Cats sleep", "Cats never"));
        Assert.Contains("not signed with this key", Refused(() => Import(new ImportOptions { Key = Key })), StringComparison.Ordinal);
        StoreNumber = 0;
        Export();
        StoreNumber = 1;
        Assert.Contains("it is not signed", Refused(() => Import(new ImportOptions { Key = Key })), StringComparison.Ordinal);
        Assert.Equal(0, StoredFiles());
        StoreNumber = 0;
        Export(options: new ExportOptions { Key = Key });
        StoreNumber = 1;
        Assert.True(Import(new ImportOptions { Key = Key }).Signed);
        Assert.Equal(0, Import().ChangedFiles);
    }

    [Fact]
    public void A_damaged_or_cut_file_changes_nothing()
    {
        Fill();
        Export();
        byte[] good = System.IO.File.ReadAllBytes(File);
        StoreNumber = 1;
        Import();
        var before = Snapshot();
        var random = new Random(5);
        int refused = 0;
        for (int turn = 0; turn < 400; turn++)
        {
            byte[] bad = turn % 4 == 0 ? good[..random.Next(good.Length)] : [.. good];
            for (int flips = random.Next(1, 4); turn % 4 != 0 && flips > 0; flips--)
            {
                bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            }

            System.IO.File.WriteAllBytes(File, bad);
            refused += Record.Exception(() => Import()) switch
            {
                null =>
                0,
                InvalidInputException => 1,
                var other => throw new InvalidOperationException($"turn {turn}", other)
            };
        }

        // A few bits of a ZIP file, such as times, mean nothing here.
        Assert.InRange(refused, 320, 400);
        Assert.Equal(before, Snapshot());
    }

    [Theory]
    [InlineData("kv/../../../evil.kv")]
    [InlineData("../evil.kv")]
    [InlineData("/tmp/evil.kv")]
    [InlineData("kv/{shelf}/../evil.kv")]
    [InlineData("kv/{shelf}/0000000000000000000000000000000000000000000000000000000000000000.kv")]
    [InlineData("files/7.json")]
    public void Names_that_are_not_of_its_documents_are_refused(string name)
    {
        Fill();
        Export();
        string shelf = Path.GetFileName(Directory.GetDirectories(Path.Combine(Store, "kv"))[0]);
        Rewrite(extra: name.Replace("{shelf}", shelf, StringComparison.Ordinal));
        StoreNumber = 1;
        Refused(() => Import());
        Assert.Equal(0, StoredFiles());
        Assert.Empty(Directory.GetFiles(Folder.Path, "evil*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Compressed_entries_are_refused()
    {
        Fill();
        Export();
        Rewrite(level: CompressionLevel.SmallestSize);
        StoreNumber = 1;
        Refused(() => Import());
    }

    [Theory]
    [InlineData("manifest", "\"version\":1", "\"version\":2")]
    [InlineData("manifest", "\"files\":[", "\"files\":[null,")]
    [InlineData("manifest", "\"root\":", "\"boot\":")]
    [InlineData("manifest", "\"prefixIds\":[", "\"prefixIds\":[1,")]
    [InlineData("manifest", "cats.txt", "cats\\u001B[2J.txt")]
    [InlineData("documents", "\"chunks\":[", "\"chunks\":[null,")]
    [InlineData("documents", "\"chunkTokens\":16", "\"chunkTokens\":-1")]
    [InlineData("documents", "\"width\":64", "\"width\":65")]
    [InlineData("documents", "Cats sleep", "Dogs sleep")]
    public void Manifests_that_do_not_fit_are_refused(string where, string from, string to)
    {
        Fill();
        Export();
        Rewrite((where, from, to));
        StoreNumber = 1;
        Refused(() => Import());
        Assert.Equal(0, StoredFiles());
    }

    [Fact]
    public void A_path_that_leads_out_of_its_new_place_is_refused()
    {
        Fill();
        Export();
        Rewrite(("manifest", "/sub/dogs.md", "/../../dogs.md"));
        StoreNumber = 1;
        Assert.Contains("leads out", Refused(() => Import(new ImportOptions { As = Folder.Sub("moved") })), StringComparison.Ordinal);
    }

    [Fact]
    public void An_import_that_ends_at_any_write_leaves_a_sound_store_and_can_be_repeated()
    {
        Fill();
        Export();
        var disk = new FullDisk(0);
        for (int writes = 0; writes == 0 || disk.Failed; writes++)
        {
            StoreNumber = writes + 1;
            Open().Ingest([Folder.File("mine.txt", "A file of this store.")]);
            disk = new FullDisk(writes);
            using (DocumentStore store = DocumentStore.Open(Store, create: true, disk))
            {
                Exception? error = Record.Exception(() => store.Import(File));
                Assert.True(error is null or StoreWriteException, error?.ToString());
            }

            using (DocumentLibrary library = Open())
            {
                Assert.Contains(library.Store.List(), file => file.Path == Folder.Sub("mine.txt"));
                Assert.Equal(0, library.Store.Statistics().DamagedRecords);
                Assert.Empty(library.Verify().Damaged);
            }

            Import();
            using DocumentLibrary whole = Open();
            Model.PrefilledTokens = 0;
            whole.Ask("Why do cats purr?").Complete();
            Assert.Equal((3, 0), (whole.Store.List().Count, Model.PrefilledTokens));
        }
    }

    [Fact]
    public void An_interrupted_export_leaves_what_was_there()
    {
        Fill();
        System.IO.File.WriteAllText(File, "before");
        using var stop = new CancellationTokenSource();
        using DocumentStore store = DocumentStore.Open(Store);
        Assert.Throws<OperationCanceledException>(() =>
            store.Export(Documents, File, progress: new Stopper(stop), cancellation: stop.Token));
        Assert.Equal("before", System.IO.File.ReadAllText(File));
        Assert.Single(Directory.GetFiles(Folder.Path));
    }

    private void Fill(FakeModel? model = null)
    {
        using DocumentLibrary library = Open(model);
        library.Ingest([Documents]);
    }

    private ExportReport Export(string? path = null, ExportOptions? options = null)
    {
        using DocumentStore store = DocumentStore.Open(Store);
        return store.Export(path ?? Documents, File, options);
    }

    private ImportReport Import(ImportOptions? options = null)
    {
        using DocumentStore store = DocumentStore.Open(Store, create: true);
        return store.Import(File, options);
    }

    private int StoredFiles()
    {
        using DocumentStore store = DocumentStore.Open(Store, create: true);
        return store.List().Count;
    }

    private static string Refused(Action action)
    {
        string message = Assert.Throws<InvalidInputException>(action).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private Dictionary<string, string> Snapshot() => Directory.GetFiles(Store, "*", SearchOption.AllDirectories)
        .ToDictionary(file =>
            Path.GetRelativePath(Store, file), file => Convert.ToHexStringLower(SHA256.HashData(System.IO.File.ReadAllBytes(file))));

    /// <summary>
    /// Writes the exported file anew as somebody would who can do everything but sign: lengths and checksums fit what was changed.
    /// </summary>
    private void Rewrite((string Where, string From, string To)? change = null, string? extra = null,
        CompressionLevel level = CompressionLevel.NoCompression)
    {
        Dictionary<string, byte[]> content = [];
        using (ZipArchive zip = ZipFile.OpenRead(File))
        {
            foreach (ZipArchiveEntry entry in zip.Entries)
            {
                using Stream stream = entry.Open();
                using var bytes = new MemoryStream();
                stream.CopyTo(bytes);
                content[entry.FullName] = bytes.ToArray();
            }
        }

        ExportManifest manifest = ExportManifest.Read(content[ExportManifest.Name]);
        if (change is ("documents", var from, var to))
        {
            string name = content.First(entry =>
                entry.Key.StartsWith("files/", StringComparison.Ordinal)
                    && Encoding.UTF8.GetString(entry.Value).Contains(from, StringComparison.Ordinal)).Key;
            content[name] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(content[name]).Replace(from, to, StringComparison.Ordinal));
        }

        if (extra is not null)
        {
            content[extra] = [1, 2, 3];
            manifest = manifest with { Entries = [.. manifest.Entries, new ExportedEntry(extra, 3, [])] };
        }

        string json = Encoding.UTF8.GetString(
            (manifest with
            {
                Entries =
            [.. manifest.Entries.Select(entry =>
            new ExportedEntry(entry.Name, content[entry.Name].Length, SHA256.HashData(content[entry.Name])))]
            }).Write());
        if (change is ("manifest", var old, var fresh))
        {
            Assert.Contains(old, json, StringComparison.Ordinal);
            json = json.Replace(old, fresh, StringComparison.Ordinal);
        }

        content[ExportManifest.Name] = Encoding.UTF8.GetBytes(json);
        content[ExportManifest.ChecksumName] = SHA256.HashData(content[ExportManifest.Name]);
        using ZipArchive rewritten = new(System.IO.File.Create(File), ZipArchiveMode.Create);
        foreach ((string name, byte[] bytes) in content)
        {
            using Stream stream = rewritten.CreateEntry(name, level).Open();
            stream.Write(bytes);
        }
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value) => stop.Cancel();
    }
}
