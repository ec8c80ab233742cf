namespace Kvasir.Documents.Tests;

/// <summary>Searching by an embedding that is given, and reading a chunk by its place.</summary>
public sealed class NearestTests : LibraryFixture
{
    [Fact]
    public void Nearest_chunks_come_first_with_their_cosines()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        IReadOnlyList<Passage> found = library.Nearest(library.Embed("Dogs bark at the postman."), 2);
        Assert.EndsWith("dogs.md", found[0].File, StringComparison.Ordinal);
        Assert.InRange(found[0].Cosine, 0.9f, 1.001f);
        Assert.Equal(2, found.Count);
        Assert.All(found, passage => Assert.Equal(passage.Cosine, passage.Score));
        Assert.True(found[0].Score >= found[1].Score);
        Assert.EndsWith("cats.txt", Assert.Single(library.Nearest(library.Embed("Dogs they"), 1, [Folder.Sub("documents/cats.txt")])).File,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Words_and_embedding_may_speak_of_different_things()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        float[] dogs = library.Embed("bark postman")!;
        Assert.Equal(2, library.Search("purr", dogs, 2).Select(passage => Path.GetFileName(passage.File)).Distinct().Count());
        Assert.Contains("bark", library.Search("", dogs, 1)[0].Text, StringComparison.Ordinal);
        Assert.Contains("purr", library.Search("purr", default, 1)[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Embeddings_of_another_kind_are_refused()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Assert.Contains("64", Assert.Throws<InvalidInputException>(() => library.Nearest(new float[] { 1, 2 })).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => library.Search("cats", new float[] { 1, 2 }));
        Assert.Throws<InvalidInputException>(() => library.Nearest(new float[64]));
    }

    [Fact]
    public void Chunk_is_read_by_its_place_or_not_there()
    {
        using DocumentLibrary library = Open();
        string lines = Folder.File("lines.jsonl", """
            {"id":"a","text":"The first of them."}
            {"id":"b","text":"The second of them."}
            """);
        library.Ingest([Documents, lines]);
        Passage last = library.Chunks(Folder.Sub("documents/cats.txt"))[^1];
        Assert.Equal(last, library.Chunk(last.File, null, last.Chunk));
        Assert.Equal("The second of them.", library.Chunk(lines, "b", 0)!.Text);
        Assert.All([library.Chunk(last.File, null, 99), library.Chunk(last.File, null, -1), library.Chunk(last.File, "a", 0),
            library.Chunk(lines, null, 0), library.Chunk("nowhere", null, 0)], Assert.Null);
    }
}
