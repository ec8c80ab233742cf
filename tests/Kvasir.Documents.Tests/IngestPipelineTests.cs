namespace Kvasir.Documents.Tests;

/// <summary>Files are read ahead on many threads; what comes of it is as if they were read one after another.</summary>
public sealed class IngestPipelineTests : LibraryFixture
{
    [Fact]
    public void Documents_are_stored_in_the_order_of_their_files()
    {
        string[] names = [.. Enumerable.Range(0, 60).Select(i => $"many/{i:00}.txt")];
        for (int i = 0; i < names.Length; i++)
        {
            Folder.File(names[i], string.Concat(Enumerable.Repeat($"word{i} and more. ", 1 + i * 37 % 50)));
        }

        using DocumentLibrary library = Open();
        IngestReport report = library.Ingest([Folder.Sub("many")]);
        Assert.Equal((60, 60), (report.Documents, report.ChangedFiles));
        ICatalog catalog = library.Store.Catalog;
        Assert.Equal(names.Select(Folder.Sub), catalog.Files().OrderBy(file => catalog.Documents(file.Path).Single().Number)
            .Select(file => file.Path));
        Assert.All(names, (name, i) =>
            Assert.Contains($"word{i} ", catalog.Chunks(catalog.Documents(Folder.Sub(name)).Single())[0].Text, StringComparison.Ordinal));
    }

    [Fact]
    public void Files_before_an_unreadable_one_are_kept_and_those_behind_it_are_not_begun()
    {
        string good = Folder.File("a.txt", "good text"), bad = Folder.File("b.pdf", "no pdf"), later = Folder.File("c.txt", "later text");
        using DocumentLibrary library = Open();
        string message = Assert.Throws<InvalidInputException>(() => library.Ingest([good, bad, later])).Message;
        Assert.Equal($"{bad}: not a PDF file", message);
        Assert.Equal(good, Assert.Single(library.Store.List()).Path);
    }

    [Fact]
    public void Every_file_left_out_has_its_reason()
    {
        Folder.File("documents/a.pdf", "no pdf");
        Folder.File("documents/b.docx", "no zip");
        Folder.File("documents/c.csv", "");
        Folder.File("documents/d.json", [0xFF, 0xFE, 0x00, 0xD8]);
        Folder.File("documents/e.bin", "x");
        using DocumentLibrary library = Open();
        Assert.Equal(
            ["e.bin: not a kind of document that is read", "a.pdf: not a PDF file",
                "b.docx: not a readable Word document (.docx); it is damaged or of another kind",
                "c.csv: the file is empty, or no regular file (a pipe, socket or device)",
                "d.json: not UTF-16 text (byte 0); convert it to UTF-8"],
            library.Ingest([Documents]).Skipped.Select(skipped => $"{Path.GetFileName(skipped.Path)}: {skipped.Reason}"));
    }

    [Fact]
    public void Progress_counts_the_bytes_of_what_is_to_do()
    {
        var reports = new List<IngestProgress>();
        using DocumentLibrary library = Open();
        library.Ingest([Documents], new Recorder(reports));
        long all = new DirectoryInfo(Documents).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
        Assert.All(reports, report => Assert.Equal(all, report.Bytes));
        Assert.Equal(reports.Select(report => report.BytesDone).Order(), reports.Select(report => report.BytesDone));
        Assert.InRange(reports[0].Share, 0.01, 0.5);
        Assert.Equal((all, 1.0), (reports[^1].BytesDone, reports[^1].Share));

        reports.Clear();
        string more = Folder.File("documents/more.txt", "one more document");
        library.Ingest([Documents], new Recorder(reports));
        Assert.All(reports, report => Assert.Equal(new FileInfo(more).Length, report.Bytes));
        Assert.Equal(1.0, reports[^1].Share);

        reports.Clear();
        library.Ingest([Documents], new Recorder(reports));
        Assert.Equal((0L, 1.0), (reports[^1].Bytes, reports[^1].Share));
    }

    [Fact]
    public void File_whose_kv_is_missing_counts_as_work()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        var reports = new List<IngestProgress>();
        using DocumentLibrary other = Open(new FakeModel(sameTokenizer: Model) { Identity = "model-b" });
        other.Ingest([Documents], new Recorder(reports));
        Assert.True(reports[0].Bytes > 0);
        Assert.Equal(1.0, reports[^1].Share);
    }

    private sealed class Recorder(List<IngestProgress> reports) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value) => reports.Add(value);
    }
}
