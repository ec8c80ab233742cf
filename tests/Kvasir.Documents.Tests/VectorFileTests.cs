using Kvasir.Documents.Retrieval;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Tests;

public sealed class VectorFileTests : LibraryFixture
{
    private string[] VectorFiles => Directory.GetFiles(Path.Combine(Store, "vectors"));

    [Fact]
    public void Vectors_cut_at_every_length_are_embedded_again_and_words_still_find()
    {
        Ingested().Dispose();
        string path = Assert.Single(VectorFiles);
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < whole.Length; length += 83)
        {
            File.WriteAllBytes(path, whole[..length]);
            using DocumentLibrary library = Open();
            Assert.NotEmpty(library.Search("Why do cats purr?"));
            Assert.InRange(library.Verify().DamagedVectors, 1, 2);
            int embedded = Encoder.Embedded;
            library.Ingest([Documents]);
            Assert.InRange(Encoder.Embedded - embedded, 2, 4);
            Assert.Equal(0, library.Verify().DamagedVectors);
            Assert.True(library.Search("Why do cats purr?", 1)[0].Cosine > 0);
            path = MadeAnew(library, out whole);
        }
    }

    [Fact]
    public void Damage_at_any_byte_is_found_and_mended()
    {
        Ingested().Dispose();
        string path = Assert.Single(VectorFiles);
        byte[] whole = File.ReadAllBytes(path);
        for (int at = 0; at < whole.Length; at += 59)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            File.WriteAllBytes(path, damaged);
            using DocumentLibrary library = Open();
            library.Search("Why do cats purr?");
            Assert.InRange(library.Verify().DamagedVectors, 1, 2);
            library.Ingest([Documents]);
            Assert.Equal(0, library.Verify().DamagedVectors);
            path = MadeAnew(library, out whole);
        }
    }

    [Fact]
    public void Lost_file_costs_only_the_embedding()
    {
        Ingested().Dispose();
        File.Delete(Assert.Single(VectorFiles));
        using DocumentLibrary library = Open();
        Assert.All(library.Search("Why do cats purr?"), passage => Assert.Equal(0, passage.Cosine));
        int embedded = Encoder.Embedded;
        Assert.Equal(0, library.Ingest([Documents]).ComputedChunks);
        Assert.Equal(4, Encoder.Embedded - embedded);
        Assert.True(library.Search("Why do cats purr?", 1)[0].Cosine > 0);
    }

    [Fact]
    public void Rows_are_durable_before_their_record_is_written()
    {
        var order = new WriteOrder();
        using DocumentLibrary library = Open(files: order);
        library.Ingest([Documents]);
        Assert.Equal(2, order.Records);
    }

    [Fact]
    public void Compaction_cut_short_at_any_write_loses_nothing()
    {
        var disk = new FullDisk(0);
        for (int writes = 0; writes == 0 || disk.Failed; writes++)
        {
            StoreNumber = writes;
            FillWithWaste();
            disk = new FullDisk(writes);
            using (DocumentStore store = DocumentStore.Open(Store, create: false, disk))
            {
                Exception? error = Record.Exception(() => store.CollectGarbage());
                Assert.True(error is null or IOException, error?.ToString());
            }

            using DocumentLibrary after = Open();
            Assert.Equal((0, 0), after.Verify() is var check ? (check.DamagedRecords, check.DamagedVectors) : default);
            int embedded = Encoder.Embedded;
            after.Ingest([Documents]);
            Assert.Equal(embedded, Encoder.Embedded);
            Assert.True(after.Search("v5w7", 1)[0].Cosine > 0);
            Assert.Single(VectorFiles);
        }

        Assert.True(StoreNumber > 4, "too few writes went through the door");
    }

    [Fact]
    public void Reader_keeps_the_rows_of_before_a_compaction_until_it_looks_again()
    {
        FillWithWaste();
        using DocumentStore reader = DocumentStore.Open(Store);
        Catalog before = reader.Read();
        StoredDocument document = before.AllDocuments.First();
        VectorRecord record = before.Vectors(Encoder.Identity, document)!;
        string file = before.VectorRows(record).Path;
        using (DocumentStore writer = DocumentStore.Open(Store))
        {
            writer.CollectGarbage();
        }

        Assert.False(File.Exists(file) && !OperatingSystem.IsWindows());
        float[] rows = before.VectorRows(record).Read(record.FirstRow, record.Count).ToArray();
        Catalog after = reader.Read();
        Assert.NotSame(before, after);
        VectorRecord moved = after.Vectors(Encoder.Identity, after.AllDocuments.Single(other => other.Number == document.Number))!;
        Assert.NotEqual(record.Generation, moved.Generation);
        Assert.Equal(rows, after.VectorRows(moved).Read(moved.FirstRow, moved.Count));
    }

    [Fact]
    public void Files_that_no_record_names_are_removed_by_the_next_writer()
    {
        using DocumentLibrary library = Ingested();
        string[] left = [Path.Combine(Store, "vectors", "0123456789abcdef-00000001.f32"), VectorFiles[0] + StoreFiles.TemporarySuffix];
        Array.ForEach(left, path => File.WriteAllText(path, "half"));
        library.Ingest([Documents]);
        Assert.All(left, path => Assert.False(File.Exists(path)));
        Assert.True(library.Search("Why do cats purr?", 1)[0].Cosine > 0);
    }

    [Fact]
    public void Record_with_rows_of_another_file_or_beyond_the_end_is_no_vector()
    {
        Ingested().Dispose();
        string log = Path.Combine(Store, "catalog.log");
        (StoredDocument document, VectorRecord sound) = First();
        VectorRecord[] hostile =
        [
            sound with { FirstRow = -1 }, sound with { FirstRow = long.MaxValue }, sound with { FirstRow = 3 }, sound with { Generation = sound.Generation + 1 },
            sound with { Generation = -1 }, sound with { Count = int.MaxValue }, sound with { Count = -1 }, sound with { Count = sound.Count + 1 },
        ];
        foreach (VectorRecord record in hostile)
        {
            using (RecordLog writer = RecordLog.Open(log, new StoreFiles(), write: true))
            {
                writer.Read((_, _, _) => { });
                writer.Append(VectorRecord.RecordType, record.Write());
            }

            using Catalog catalog = Catalog.Open(log, new StoreFiles(), write: false);
            Assert.Null(catalog.Vectors(Encoder.Identity, document));
            Assert.Equal(1, catalog.DamagedVectors());
        }
    }

    private (StoredDocument Document, VectorRecord Record) First()
    {
        using DocumentStore store = DocumentStore.Open(Store);
        StoredDocument document = store.Read().AllDocuments.First();
        return (document, store.Read().Vectors(Encoder.Identity, document)!);
    }

    private DocumentLibrary Ingested()
    {
        DocumentLibrary library = Open();
        library.Ingest([Documents]);
        return library;
    }

    /// <summary>The one vector file, without anything that was appended after damage.</summary>
    private string MadeAnew(DocumentLibrary library, out byte[] content)
    {
        Array.ForEach(VectorFiles, File.Delete);
        library.Ingest([Documents]);
        string path = Assert.Single(VectorFiles);
        content = File.ReadAllBytes(path);
        return path;
    }

    /// <summary>The documents, and five versions of another that are out of use.</summary>
    private void FillWithWaste()
    {
        Ingested().Dispose();
        using DocumentStore store = DocumentStore.Open(Store);
        using StoreWriter writer = store.Write();
        for (int version = 0; version < 6; version++)
        {
            string text = string.Join(' ', Enumerable.Range(0, 30_000).Select(i => $"v{version}w{i}"));
            StoredDocument document = writer.Catalog.Add(
                new StoredDocument
                {
                    Number = 0,
                    File = "/elsewhere/long.txt",
                    Id = null,
                    Title = "",
                    ContentHash = [],
                    ChunkTokens = 16,
                    Chunks = [new StoredChunk { Start = 0, Length = text.Length, Tokens = 30_000, KvName = KvShelf.NameOf(text), Terms = TermCounts.Of(text) }],
                },
                [text]);
            writer.Catalog.Add(new StoredVectors(Encoder.Identity, document.Number, 64, Encoder.Embed($"v{version}w7")));
            writer.Catalog.Commit(new StoredFile { Path = document.File, Length = version, ChangedTicks = 1, Hash = [], Documents = [document.Number] });
        }
    }

    /// <summary>Sees to it that no vector record reaches the log while rows are not flushed.</summary>
    private sealed class WriteOrder : StoreFiles
    {
        private bool _rowsPending;

        public int Records { get; private set; }

        public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
        {
            if (bytes.Length > 8 && BitConverter.ToUInt32(bytes) == 0x4345524B && BitConverter.ToUInt32(bytes[4..]) == VectorRecord.RecordType)
            {
                Assert.False(_rowsPending, "a record was written before its rows were on disk");
                Records++;
            }
            else if (bytes.Length == 2 * 64 * sizeof(float))
            {
                _rowsPending = true;
            }

            base.Write(file, bytes, offset);
        }

        public override void Flush(SafeFileHandle file)
        {
            base.Flush(file);
            _rowsPending = false;
        }
    }
}
