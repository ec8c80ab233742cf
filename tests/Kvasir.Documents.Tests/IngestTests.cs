namespace Kvasir.Documents.Tests;

public sealed class IngestTests : LibraryFixture
{
    [Fact]
    public void Second_ingest_reads_and_computes_nothing()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        (int embedded, int prefilled) = (Encoder.Embedded, Model.PrefilledTokens);
        (long, long) version = library.Store.Catalog.Version;
        using DocumentLibrary again = Open();
        IngestReport report = again.Ingest([Documents]);
        Assert.Equal((0, 0, 4), (report.ChangedFiles, report.ComputedChunks, report.Chunks));
        Assert.Equal(embedded, Encoder.Embedded);
        Assert.Equal(prefilled, Model.PrefilledTokens);
        Assert.Equal(version, library.Store.Catalog.Version);
    }

    [Fact]
    public void Touched_file_with_the_same_content_is_not_computed_again()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        File.SetLastWriteTimeUtc(Path.Combine(Documents, "cats.txt"), DateTime.UtcNow.AddHours(1));
        IngestReport report = library.Ingest([Documents]);
        Assert.Equal((0, 0), (report.ChangedFiles, report.ComputedChunks));
    }

    [Fact]
    public void Changed_file_replaces_its_old_version()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Folder.File("documents/cats.txt", Cats.Replace("Cats sleep", "Ferrets run", StringComparison.Ordinal));
        IngestReport report = library.Ingest([Documents]);
        Assert.Equal((1, 1), (report.ChangedFiles, report.ComputedChunks));
        Assert.DoesNotContain(library.Search("cats sleep", 9), passage => passage.Text.Contains("Cats sleep", StringComparison.Ordinal));
        Assert.Contains(library.Search("ferrets", 9), passage => passage.Text.Contains("Ferrets run", StringComparison.Ordinal));
        Assert.Equal(4 + 1, KvFiles().Length);
    }

    [Fact]
    public void Changed_line_of_json_lines_computes_only_its_document()
    {
        string path = Folder.File("lines.jsonl", "{\"id\":\"a\",\"text\":\"alpha one\"}\n{\"id\":\"b\",\"text\":\"beta two\"}");
        using DocumentLibrary library = Open();
        library.Ingest([path]);
        Folder.File("lines.jsonl",
            "{\"id\":\"a\",\"text\":\"alpha one\"}\n{\"id\":\"b\",\"text\":\"beta three\"}\n{\"id\":\"c\",\"text\":\"gamma\"}");
        IngestReport report = library.Ingest([path]);
        Assert.Equal((3, 2), (report.Documents, report.ComputedChunks));
        Assert.Equal("b", library.Search("three", 1)[0].DocumentId);
    }

    [Fact]
    public void Vanished_file_leaves_the_store_with_its_folder_named()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        File.Delete(Path.Combine(Documents, "cats.txt"));
        Assert.Equal(1, library.Ingest([Documents]).RemovedFiles);
        Assert.Equal(Path.Combine(Documents, "sub", "dogs.md"), Assert.Single(library.Store.List()).Path);
        Assert.Equal(2 + 1, KvFiles().Length);
    }

    [Fact]
    public void Unreadable_files_are_skipped_in_folders_and_refused_by_name()
    {
        string bad = Folder.File("documents/bad.txt", [0xC3, 0x28]);
        using DocumentLibrary library = Open();
        SkippedFile skipped = Assert.Single(library.Ingest([Documents]).Skipped);
        Assert.Equal(bad, skipped.Path);
        Assert.Contains("not UTF-8", skipped.Reason, StringComparison.Ordinal);
        Assert.Contains(bad, Assert.Throws<InvalidInputException>(() => library.Ingest([bad])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Interrupted_ingest_shows_nothing_half_done_and_goes_on_where_it_stopped()
    {
        using DocumentLibrary library = Open();
        for (int stopAfter = 1; stopAfter < 4; stopAfter++)
        {
            using var cancellation = new CancellationTokenSource();
            int reports = 0;
            var progress = new Immediate(_ => { if (++reports == 1) { cancellation.Cancel(); } });
            Assert.ThrowsAny<OperationCanceledException>(() => Open().Ingest([Documents], progress, cancellation.Token));
        }

        Assert.InRange(KvFiles().Length, 2, 4);
        int embedded = Encoder.Embedded;
        int done = KvFiles().Length - 1;
        IngestReport report = library.Ingest([Documents]);
        Assert.Equal(4 - done, report.ComputedChunks);
        Assert.Equal(2, library.Store.List().Count);
        Assert.True(Encoder.Embedded - embedded <= 2);
    }

    [Fact]
    public void Store_among_the_documents_is_not_read_as_documents()
    {
        using var library = new DocumentLibrary(DocumentStore.Open(Path.Combine(Documents, "store"), create: true), Model, Encoder, 16);
        Folder.File("documents/store/note.txt", "not a document");
        Assert.Empty(library.Ingest([Documents]).Skipped);
        Assert.Equal(2, library.Store.List().Count);
    }

    private sealed class Immediate(Action<IngestProgress> report) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value) => report(value);
    }
}
