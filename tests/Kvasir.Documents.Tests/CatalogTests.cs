namespace Kvasir.Documents.Tests;

/// <summary>What a catalog must do, in memory and on disk.</summary>
public sealed class CatalogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<bool> Places => new(true, false);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Places))]
    public void Document_counts_when_its_file_is_committed(bool inMemory)
    {
        using ICatalog catalog = Open(inMemory);
        StoredDocument document = catalog.Add("/a", Content("one", "two"));
        Assert.Empty(catalog.Files());
        Assert.Empty(catalog.Documents("/a"));
        Assert.Empty(catalog.Texts(null));
        Assert.Equal(document.Number, Assert.Single(catalog.Documents("/a", unfinished: true)).Number);
        Commit(catalog, "/a", document);
        Assert.Equal("/a", Assert.Single(catalog.Files()).Path);
        Assert.Equal(["one", "two"], catalog.Chunks(Assert.Single(catalog.Documents("/a"))).Select(chunk => chunk.Text));
        Assert.Equal((1, 2, 6L, 6L), catalog.Count());
        Assert.Equal((1, 2, 6L, 6L), catalog.Count("/a"));
        Assert.Equal((0, 0, 0L, 0L), catalog.Count("/b"));
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Replacement_takes_what_is_given_and_frees_the_rest(bool inMemory)
    {
        using ICatalog catalog = Open(inMemory);
        StoredDocument first = catalog.Add("/a", Content("kept")), second = catalog.Add("/a", Content("gone"));
        Commit(catalog, "/a", first, second);
        long gone = catalog.Chunks(second)[0].TextId;
        catalog.Embed("e", [(gone, [1, 0])]);
        StoredDocument third = catalog.Add("/a", Content("new"));
        Commit(catalog, "/a", third, first);
        catalog.Sweep(unfinished: false);
        Assert.Equal([third.Number, first.Number], catalog.Documents("/a").Select(document => document.Number));
        Assert.Equal(2, catalog.Texts(null).Length);
        Assert.Empty(catalog.TextsWith("gone", 9));
        Assert.Null(catalog.Embedding("e", gone));
        Assert.Empty(catalog.Lost());
        Commit(catalog, "/a");
        catalog.Sweep(unfinished: false);
        Assert.Equal((0, 0), (catalog.Files().Count, catalog.Texts(null).Length));
        Assert.False(catalog.LacksRows());
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Equal_texts_are_kept_once_and_found_in_every_place(bool inMemory)
    {
        using ICatalog catalog = Open(inMemory);
        StoredDocument a = catalog.Add("/a", Content("shared", "own")), b = catalog.Add("/b", Content("shared"));
        Commit(catalog, "/a", a);
        Commit(catalog, "/b", b);
        long shared = catalog.Chunks(b)[0].TextId;
        Assert.Equal(["/a", "/b"], catalog.Places(shared).Select(place => place.File));
        Assert.Equal([shared], catalog.TextsWith("shared", 9));
        Assert.Equal([shared], catalog.Texts(["/b"]));
        Assert.Equal(2, catalog.Texts(["/b", "/a"]).Length);
        Commit(catalog, "/a");
        catalog.Sweep(unfinished: false);
        Assert.Equal("/b", Assert.Single(catalog.Places(shared)).File);
        Assert.True(catalog.HasKv(StoredChunk.KvNameOf("shared")));
        Assert.False(catalog.HasKv(StoredChunk.KvNameOf("own")));
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Text_of_one_file_is_found_under_its_newest_title(bool inMemory)
    {
        using ICatalog catalog = Open(inMemory);
        Commit(catalog, "/a", catalog.Add("/a", Content("text") with { Title = "first" }));
        catalog.Embed("e", [(catalog.Texts(null)[0], [1])]);
        Commit(catalog, "/a", catalog.Add("/a", Content("text") with { Title = "second" }));
        Assert.Empty(catalog.TextsWith("first", 9));
        Assert.Single(catalog.TextsWith("second", 9));
        Assert.False(catalog.IsEmbedded("/a", "e"));
        Commit(catalog, "/b", catalog.Add("/b", Content("text") with { Title = "third" }));
        Assert.Single(catalog.TextsWith("second", 9));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("\n\n  lines\r\n\tand tabs \u2028")]
    [InlineData("ünïcödé 日本 \U00020000 🎈")]
    [InlineData("'; DROP TABLE file; --")]
    public void Any_text_comes_back_as_it_was(string text)
    {
        using ICatalog catalog = Open(inMemory: false);
        Commit(catalog, "/'\"\n" + text, catalog.Add("/'\"\n" + text, new DocumentContent(text, text, [1], 320, [new ChunkContent(0,
            text.Length, 1, text)])));
        StoredDocument document = catalog.Documents(catalog.Files()[0].Path).Single();
        Assert.Equal("/'\"\n" + text, catalog.Files()[0].Path);
        Assert.Equal((text, text, text), (document.Id, document.Title, catalog.Chunks(document)[0].Text));
        Assert.Empty(catalog.Verify().Problems);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Settings_and_shelves_are_kept(bool inMemory)
    {
        using ICatalog catalog = Open(inMemory);
        Assert.Null(catalog.KvQuota);
        catalog.KvQuota = 1L << 40;
        Assert.Equal(1L << 40, catalog.KvQuota);
        catalog.KvQuota = null;
        Assert.Null(catalog.KvQuota);
        var shelf = new KvDescription(new KvKey("m", "i", "t", "p", [1, 2])) { MeasuredTokens = 3, MeasuredSeconds = 0.5 };
        catalog.Describe(shelf with { MeasuredTokens = 1 });
        catalog.Describe(shelf);
        KvDescription known = Assert.Single(catalog.Shelves());
        Assert.Equal((shelf.Key.FolderName(), 6.0), (known.Key.FolderName(), known.TokensPerSecond));
        catalog.Forget(shelf);
        Assert.Empty(catalog.Shelves());
    }

    [Fact]
    public void Reader_keeps_its_state_while_a_writer_goes_on()
    {
        using ICatalog reader = Open(inMemory: false), writer = Open(inMemory: false);
        Commit(writer, "/a", writer.Add("/a", Content("one")));
        (long, long) before = reader.Version;
        reader.Reading(() =>
        {
            Assert.Single(reader.Files());
            Commit(writer, "/b", writer.Add("/b", Content("two")));
            Assert.Single(reader.Files());
            return 0;
        });
        Assert.NotEqual(before, reader.Version);
        Assert.Equal(2, reader.Files().Count);
    }

    [Fact]
    public void Change_that_fails_leaves_nothing()
    {
        using ICatalog catalog = Open(inMemory: false);
        StoredDocument document = catalog.Add("/a", Content("one"));
        Assert.ThrowsAny<Exception>(() => catalog.Add("/a", Content("two", null!)));
        Commit(catalog, "/a", document);
        Assert.Single(catalog.Documents("/a"));
        Assert.Empty(catalog.TextsWith("two", 9));
        Assert.Empty(catalog.Verify().Problems);
    }

    [Fact]
    public void Other_databases_and_later_versions_are_refused()
    {
        string other = _folder.Sub("other.db"), later = _folder.Sub("later.db");
        using (Database database = Database.Open(other))
        {
            database.Run("CREATE TABLE mine (x)");
        }

        SqliteCatalog.Open(later, new StoreFiles()).Dispose();
        using (Database database = Database.Open(later))
        {
            database.Run("PRAGMA user_version=99");
        }

        Assert.Contains("not the database of a document store", Assert.Throws<InvalidInputException>(() => SqliteCatalog.Open(other,
            new StoreFiles())).Message, StringComparison.Ordinal);
        Assert.Contains("later version", Assert.Throws<InvalidInputException>(() => SqliteCatalog.Open(later,
            new StoreFiles())).Message, StringComparison.Ordinal);
    }

    private ICatalog Open(bool inMemory) => SqliteCatalog.Open(inMemory ? Database.InMemory : _folder.Sub("store.db"), new StoreFiles());

    private static DocumentContent Content(params string[] texts) => new(null, "", [1], 320,
        [.. texts.Select(text => new ChunkContent(0, text.Length, 3, text))]);

    private static void Commit(ICatalog catalog, string path, params StoredDocument[] documents) =>
        catalog.Commit(new StoredFile { Path = path, Length = 1, ChangedTicks = 1, Hash = [1] }, documents);
}
