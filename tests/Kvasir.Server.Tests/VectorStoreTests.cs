using Kvasir.Documents;
using Kvasir.Documents.Ingesting;
using Kvasir.Extensions.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.VectorData;
using Record = Kvasir.Extensions.AI.DocumentPassage;

namespace Kvasir.Server.Tests;

/// <summary>The document store as .NET's vector store collection.</summary>
public sealed class VectorStoreTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task Search_by_meaning_finds_the_passage_in_other_words_first()
    {
        using Model encoder = Encoder();
        using KvasirDocuments documents = await TownAsync(encoder);
        List<VectorSearchResult<Record>> found = await documents.SearchAsync("a place to borrow novels", 3).ToListAsync();
        Assert.Contains("library", found[0].Record.Text, StringComparison.Ordinal);
        Assert.Equal(found[0].Record.Cosine, found[0].Score!.Value, 6);
        Assert.True(found[0].Score > found[1].Score && found[1].Score >= found[2].Score);

        using var generator = new KvasirEmbeddingGenerator(encoder, "encoder");
        Embedding<float> asked = await generator.GenerateAsync("a place to borrow novels");
        foreach (IAsyncEnumerable<VectorSearchResult<Record>> same in new[]
        {
            documents.SearchAsync(asked, 3), documents.SearchAsync(asked.Vector, 3), documents.SearchAsync(asked.Vector.ToArray(), 3),
        })
            Assert.Equal(found.Select(one => one.Record.Key), (await same.ToListAsync()).Select(one => one.Record.Key));
        await Assert.ThrowsAsync<InvalidInputException>(async () => await documents.SearchAsync(new float[3], 1).ToListAsync());
    }

    [SkippableFact]
    public async Task Top_skip_filter_and_least_score_are_kept_to()
    {
        using Model encoder = Encoder();
        using KvasirDocuments documents = await TownAsync(encoder);
        List<VectorSearchResult<Record>> all = await documents.SearchAsync("the town", 50).ToListAsync();
        Assert.Equal(5, all.Count);
        Assert.Equal(all.Skip(1).Take(2).Select(one => one.Record.Key),
            (await documents.SearchAsync("the town", 2, new() { Skip = 1 }).ToListAsync()).Select(one => one.Record.Key));

        // The worst one alone is let through: more has to be asked for than top.
        string last = all[^1].Record.File;
        Assert.Equal(last, Assert.Single(
            await documents.SearchAsync("the town", 1, new() { Filter = record => record.File == last }).ToListAsync()).Record.File);
        Assert.Equal(2, (await documents.SearchAsync("the town", 50, new() { ScoreThreshold = all[1].Score }).ToListAsync()).Count);
    }

    [SkippableFact]
    public async Task Hybrid_search_finds_what_words_alone_find()
    {
        using Model encoder = Encoder();
        using KvasirDocuments documents = await TownAsync(encoder);
        VectorSearchResult<Record> found = await documents.HybridSearchAsync("Which song is it?", ["XK-4471"], 1).FirstAsync();
        Assert.Contains("XK-4471", found.Record.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("XK-4471", (await documents.SearchAsync("Which song is it?", 1).FirstAsync()).Record.Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_encoder_hybrid_search_finds_by_words_and_search_by_meaning_says_so()
    {
        using KvasirDocuments documents = await TownAsync(null);
        Record found = (await documents.HybridSearchAsync("Who is the mayor of Yarcliff?", [], 3).FirstAsync()).Record;
        Assert.Contains("Odette Brandt", found.Text, StringComparison.Ordinal);
        Assert.Equal("mayor.txt#0", Path.GetFileName(found.Key));
        Assert.Contains("HybridSearchAsync", (await Assert.ThrowsAsync<NotSupportedException>(async () =>
            await documents.SearchAsync("mayor", 1).ToListAsync())).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidInputException>(async () => await documents.SearchAsync(new float[] { 1 }, 1).ToListAsync());
    }

    [Fact]
    public async Task Records_are_read_by_key_and_by_filter_and_a_missing_one_is_null()
    {
        using KvasirDocuments documents = await TownAsync(null);
        string lines = _folder.File("lines.jsonl", """{"id":"a#b@c","title":"Second","text":"A line of its own."}""");
        await documents.UseAsync(library => library.Ingest([lines]));
        Record line = Assert.Single(await documents.GetAsync(record => record.DocumentId == "a#b@c", 9).ToListAsync());
        Assert.Equal(line with { AlsoIn = [] }, await documents.GetAsync(line.Key) is { } same ? same with { AlsoIn = [] } : null);
        Assert.Equal(("A line of its own.", lines + "#0@a%23b%40c"), (line.Text, line.Key));
        foreach (string missing in new[] { line.File + "#0", line.File + "#1@a%23b%40c", "nowhere#0", "", "#0", "x#y" })
            Assert.Null(await documents.GetAsync(missing));
        List<Record> last = await documents.GetAsync(record => record.DocumentId == null, 2,
            new() { Skip = 1, OrderBy = by => by.Descending(record => record.File) }).ToListAsync();
        Assert.Equal(["pump.txt", "mayor.txt"], last.Select(record => Path.GetFileName(record.File)));
        Assert.Equal(2, (await documents.GetAsync([line.Key, "nowhere#0", last[0].Key]).ToListAsync()).Count);
    }

    [Fact]
    public async Task Chunks_leave_with_their_file_or_not_at_all()
    {
        using KvasirDocuments documents = await TownAsync(null);
        string file = _folder.File("long.txt", string.Concat(Enumerable.Range(0, 90).Select(i => $"Sentence {i} says what it says. ")));
        await documents.UseAsync(library => library.Ingest([file]));
        List<string> keys = await documents.GetAsync(record => record.File == file, 99).Select(record => record.Key).ToListAsync();
        Assert.InRange(keys.Count, 2, 20);
        string mayor = _folder.Sub("town/mayor.txt#0");
        Assert.Contains("Store.Remove", (await Assert.ThrowsAsync<NotSupportedException>(() =>
            documents.DeleteAsync([mayor, keys[0]]))).Message, StringComparison.Ordinal);
        Assert.NotNull(await documents.GetAsync(mayor));
        await documents.DeleteAsync([.. keys, "nowhere#0"]);
        await documents.DeleteAsync(mayor);
        Assert.All([await documents.GetAsync(mayor), await documents.GetAsync(keys[0])], Assert.Null);
        Assert.True(File.Exists(file));
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_with_what_to_do_instead()
    {
        using KvasirDocuments documents = await TownAsync(null);
        Record record = (await documents.GetAsync(_folder.Sub("town/mayor.txt#0")))!;
        Assert.True(await documents.CollectionExistsAsync());
        await documents.EnsureCollectionExistsAsync();
        await RefusedAsync("library.Ingest", () => documents.UpsertAsync(record));
        await RefusedAsync("library.Ingest", () => documents.UpsertAsync([record]));
        await RefusedAsync("delete its folder", () => documents.EnsureCollectionDeletedAsync());
        await RefusedAsync("embed the record's text", () => documents.GetAsync(record.Key, new() { IncludeVectors = true }));
        await RefusedAsync("embed the record's text", async () =>
            await documents.HybridSearchAsync("x", [], 1, new() { VectorProperty = one => one.Text }).ToListAsync());
        await RefusedAsync("DocumentPassage.Text", async () =>
            await documents.HybridSearchAsync("x", [], 1, new() { AdditionalProperty = one => one.Title }).ToListAsync());
        await RefusedAsync("Int32", async () => await documents.SearchAsync(7, 1).ToListAsync());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await documents.HybridSearchAsync("x", [], 0).ToListAsync());

        static async Task RefusedAsync(string instead, Func<Task> act) => Assert.Contains(
            instead, (await Assert.ThrowsAsync<NotSupportedException>(act)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Services_have_the_collection_under_each_of_its_names_and_dispose_of_it()
    {
        var services = new ServiceCollection();
        services.AddKvasir(options => options.ModelPath = fixture.ModelPath);
        services.AddKvasirDocuments(_folder.Sub("store"));
        KvasirDocuments documents;
        await using (ServiceProvider provider = services.BuildServiceProvider())
        {
            documents = provider.GetRequiredService<KvasirDocuments>();
            Assert.Same(documents, provider.GetRequiredService<VectorStoreCollection<string, Record>>());
            Assert.Same(documents, provider.GetRequiredService<IVectorSearchable<Record>>());
            Assert.Same(documents, provider.GetRequiredService<IKeywordHybridSearchable<Record>>());
            await documents.UseAsync(library => library.Ingest([Town()]));
            Assert.NotEmpty(await documents.HybridSearchAsync("mayor", [], 1).ToListAsync());
            var about = (VectorStoreCollectionMetadata)documents.GetService(typeof(VectorStoreCollectionMetadata))!;
            Assert.Equal(("kvasir", "store"), (about.VectorStoreSystemName, about.CollectionName));
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => documents.GetAsync("x#0"));
    }

    [Fact]
    public async Task Disposal_waits_for_who_is_at_work_and_leaves_a_library_that_is_not_its_own()
    {
        using DocumentLibrary library = DocumentLibrary.Open(_folder.Sub("store"), fixture.Model, null);
        var documents = new KvasirDocuments(library, "mine");
        Assert.Equal("mine", documents.Name);
        bool done = false;
        using var begun = new ManualResetEventSlim();
        Task<IngestReport> work = documents.UseAsync(open =>
        {
            begun.Set();
            Thread.Sleep(100);
            IngestReport report = open.Ingest([Town()]);
            done = true;
            return report;
        });
        begun.Wait();
        documents.Dispose();
        Assert.True(done);
        Assert.Equal(5, (await work).Documents);
        documents.Dispose();
        Assert.Equal(5, library.Store.Statistics().Files);
    }

    private static Model Encoder() => Model.Load(SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"));

    private string Town()
    {
        _folder.File("town/mayor.txt", "The mayor of Yarcliff is Odette Brandt.");
        _folder.File("town/harbour.txt", "The harbour is closed in winter, when the ice is thick.");
        _folder.File("town/library.txt", "The library lends books from nine to five.");
        _folder.File("town/pump.txt", "The pump in the cellar has the number XK-4471.");
        _folder.File("town/song.txt", "The choir sings every Sunday; its song is an old one of the fishermen.");
        return _folder.Sub("town");
    }

    private async Task<KvasirDocuments> TownAsync(Model? encoder)
    {
        var documents = new KvasirDocuments(_folder.Sub("store"), fixture.Model, encoder);
        await documents.UseAsync(library => library.Ingest([Town()]));
        return documents;
    }
}
