namespace Kvasir.Documents.Tests;

/// <summary>What an answer says of where it comes from.</summary>
public sealed class SourcesTests : LibraryFixture
{
    [Fact]
    public void Equal_texts_have_one_place_and_the_other_files_are_named()
    {
        string[] copies = [.. Enumerable.Range(0, 6)
            .Select(i => Folder.File($"copies/memo{i}.txt", "The budget for the garden is 90 crowns."))];
        string spaced = Folder.File("copies/spaced.txt", "The budget  for the\ngarden is 90 crowns.");
        string right = Folder.File("copies/house.txt", "The house has a budget of 700 crowns.");
        using DocumentLibrary library = Open();
        library.Ingest([Folder.Sub("copies")]);
        IReadOnlyList<Passage> found = library.Search("What is the budget of the garden and the house?", 2);
        Assert.Equal(2, found.Count);
        Passage house = Assert.Single(found, passage => passage.File == right),
            garden = Assert.Single(found, passage => passage.File != right);
        Assert.Equal([.. copies, spaced], garden.AlsoIn.Append(garden.File).Order(StringComparer.Ordinal));
        Assert.Empty(house.AlsoIn);
        Assert.Equal([copies[3]], library.Search("garden", 5, [copies[3]]).Select(passage => passage.File));
        File.Delete(garden.File);
        Assert.True(File.Exists(library.Search("garden", 1)[0].File));
    }

    [Fact]
    public void Equal_texts_count_once_for_how_rare_a_word_is()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        float[] before = [.. library.Search("cats purr", 9).Select(passage => passage.Bm25)];
        Folder.File("documents/zz.txt", Dogs);
        library.Ingest([Documents]);
        Assert.Equal(before, library.Search("cats purr", 9).Select(passage => passage.Bm25));
    }

    [Fact]
    public void Line_is_that_of_the_file()
    {
        string path = Folder.File(
            "lines.txt",
            "\n\nOne two three four five six seven eight nine ten.\r\n\r\n\r\n  Eleven twelve thirteen fourteen fifteen sixteen.\n\nLast "
            + "words of all, and some more of them here.");
        using DocumentLibrary library = Open();
        library.Ingest([path, Documents]);
        Assert.Equal(3, Line("one two three"));
        Assert.Equal(6, Line("eleven twelve"));
        Assert.Equal(8, Line("last words"));
        Passage other = library.Ask("Which walks do dogs like?", new AskOptions { Passages = 1 }).Sources[0];
        Assert.Equal((null, 2), (other.Line, other.Parts));

        int? Line(string words) => library.Ask(words, new AskOptions { Passages = 1 }).Sources[0].Line;
    }

    [Fact]
    public void Changed_and_vanished_files_are_marked_and_a_new_time_alone_is_no_change()
    {
        string cats = Path.Combine(Documents, "cats.txt"), dogs = Path.Combine(Documents, "sub", "dogs.md");
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        File.SetLastWriteTimeUtc(cats, DateTime.UtcNow.AddHours(-3));
        Assert.Equal(StoredFileState.Current, Source().State);
        Assert.Empty(library.Store.Warnings);

        Folder.File("documents/cats.txt", Cats.Replace('C', 'R'));
        Assert.Equal(StoredFileState.Changed, Source().State);
        Source();
        StoreWarning changed = Assert.Single(library.Store.Warnings);
        Assert.Contains(cats + " has changed", changed.Problem, StringComparison.Ordinal);
        Assert.Equal((StoreMend.Ingest, cats), (changed.Mend, changed.File));

        File.Delete(cats);
        File.Delete(dogs);
        Assert.Equal(StoredFileState.Gone, Source().State);
        Assert.Contains(cats + " is gone", library.Store.Warnings[1].Problem, StringComparison.Ordinal);
        Assert.All(library.Store.List(), file => Assert.Equal(StoredFileState.Gone, file.State));

        Passage Source() => library.Ask("Why do cats purr?", new AskOptions { Passages = 1 }).Sources[0];
    }

    [Fact]
    public void Moved_file_keeps_its_kv_and_embeddings()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Directory.Move(Documents, Folder.Sub("elsewhere"));
        int embedded = Encoder.Embedded;
        IngestReport report = library.Ingest([Folder.Sub("elsewhere")]);
        Assert.Equal((2, 0), (report.ChangedFiles, report.ComputedChunks));
        Assert.Equal(embedded, Encoder.Embedded);
        Passage source = library.Ask("Why do cats purr?", new AskOptions { Passages = 1 }).Sources[0];
        Assert.Equal((Path.Combine(Folder.Sub("elsewhere"), "cats.txt"), StoredFileState.Current), (source.File, source.State));
        Assert.True(source.Cosine > 0);
        library.Store.Remove(Documents);
        Assert.Equal(0, library.Ingest([Folder.Sub("elsewhere")]).ComputedChunks);
        Assert.True(library.Search("Why do cats purr?", 1)[0].Cosine > 0);
        Assert.Equal(0, library.Verify().DamagedVectors);
    }

    [Fact]
    public void Renamed_file_keeps_its_kv()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        File.Move(Path.Combine(Documents, "cats.txt"), Path.Combine(Documents, "felines.txt"));
        IngestReport report = library.Ingest([Documents]);
        Assert.Equal((1, 1, 0), (report.ChangedFiles, report.RemovedFiles, report.ComputedChunks));
        Assert.Equal("felines", library.Search("Why do cats purr?", 1)[0].Title);
    }

    [Fact]
    public void Forced_ingest_reads_again_and_keeps_kv()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        string cats = Path.Combine(Documents, "cats.txt");
        DateTime time = File.GetLastWriteTimeUtc(cats);
        File.WriteAllText(cats, Cats.Replace("content", "contend", StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(cats, time);
        Assert.Equal(0, library.Ingest([Documents]).ChangedFiles);
        IngestReport report = library.Ingest([Documents], force: true);
        Assert.Equal((2, 1), (report.ChangedFiles, report.ComputedChunks));
        Assert.Contains("contend", library.Search("Why do cats purr?", 1)[0].Text, StringComparison.Ordinal);
        Assert.Equal(0, library.Ingest([Documents], force: true).ComputedChunks);
    }

    [Fact]
    public void Store_that_may_only_be_read_answers_and_says_so()
    {
        using (DocumentLibrary writer = Open())
        {
            writer.Ingest([Documents]);
        }

        string held = Path.Combine(Store, "writer.lock");
        File.Delete(held);
        Directory.CreateDirectory(held); // opening it fails as without permission, for root too
        using DocumentLibrary library = Open();
        Assert.Contains("may only be read", Assert.Throws<ReadOnlyStoreException>(() => library.Ingest([Documents])).Message,
            StringComparison.Ordinal);
        Assert.Null(library.Refresh([Documents]));
        Assert.Contains("may only be read", Assert.Single(library.Store.Warnings).Problem, StringComparison.Ordinal);
        Assert.Equal("An answer", library.Ask("Why do cats purr?", new AskOptions { Within = [Documents] }).Complete());
        string other = Folder.File("other.txt", "Ships have sailors.");
        Assert.Contains("holds nothing of " + other,
            Assert.Throws<InvalidInputException>(() => library.Ask("Which ships?", new AskOptions { Within = [other] })).Message,
            StringComparison.Ordinal);
        Assert.Throws<ReadOnlyStoreException>(() => library.Store.CollectGarbage());
    }

    [Fact]
    public void Database_that_may_only_be_read_is_read_as_it_stands()
    {
        using (DocumentLibrary writer = Open())
        {
            writer.Ingest([Documents]);
        }

        Directory.CreateDirectory(Path.Combine(Store, "store.db-shm")); // opening it fails as without permission, for root too
        using DocumentLibrary library = Open();
        Assert.Equal("An answer", library.Ask("Why do cats purr?").Complete());
        Assert.True(library.Search("Why do cats purr?", 1)[0].Cosine > 0);
        Assert.Contains("may only be read", Assert.Throws<ReadOnlyStoreException>(() => library.Store.SetKvQuota(1)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(30, true)]
    [InlineData(unchecked((int)0x80070013), true)]
    [InlineData(11, false)]
    [InlineData(28, false)]
    public void Read_only_file_system_is_told_from_other_failures(int code, bool expected) =>
        Assert.Equal(expected, ReadOnlyStoreException.IsMeantBy(new IOException("failed", code)));
}
