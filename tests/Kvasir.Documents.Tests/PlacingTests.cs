using Kvasir.Documents.Chunking;

namespace Kvasir.Documents.Tests;

/// <summary>Where chunks are placed and what of them is computed anew.</summary>
public sealed class PlacingTests : LibraryFixture
{
    [Theory]
    [InlineData("off", 0, 0)]
    [InlineData("32", 32, 0)]
    [InlineData("0", 0, 0)]
    [InlineData("15%", 0, 0.15)]
    [InlineData("100%", 0, 1)]
    public void Repair_is_read_and_written(string text, int tokens, double share)
    {
        ChunkRepair repair = ChunkRepair.Parse(text);
        Assert.Equal((tokens, share), (repair.Tokens, repair.Share));
        Assert.Equal(repair, ChunkRepair.Parse(repair.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("on")]
    [InlineData("-1")]
    [InlineData("0%")]
    [InlineData("101%")]
    [InlineData("NaN%")]
    [InlineData("99999999999")]
    public void Other_repairs_are_refused(string text) =>
        Assert.Contains("15%", Assert.Throws<InvalidInputException>(() => ChunkRepair.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_first_tokens_of_every_chunk_but_the_first_are_repaired()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        Answer answer = library.Ask("cats dogs", new AskOptions { Passages = 3, Repair = ChunkRepair.Parse("4") });
        answer.Complete();
        Passage[] placed = [.. answer.Sources.Reverse()];
        int second = 1 + Tokens(placed[0]), third = second + Tokens(placed[1]);
        Assert.Equal([.. Enumerable.Range(second, 4), .. Enumerable.Range(third, 4)], Model.Repaired);
        Assert.Equal(8, answer.RepairedTokens);

        Model.Repaired.Clear();
        library.Ask("cats dogs", new AskOptions { Passages = 1 }).Complete();
        library.Ask("cats dogs", new AskOptions { Passages = 3, Repair = ChunkRepair.Off }).Complete();
        Assert.Empty(Model.Repaired);
        library.Ask("cats dogs", new AskOptions { Passages = 3, Repair = ChunkRepair.Parse("25%") }).Complete();
        Assert.Equal((int)Math.Round(0.25 * placed.Sum(Tokens), MidpointRounding.ToEven), Model.Repaired.Count);
    }

    [Fact]
    public void Chunks_computed_alone_have_a_shelf_of_their_own_and_are_all_repaired()
    {
        using (DocumentLibrary library = Open())
        {
            library.Ingest([Documents]);
        }

        Model.Repaired.Clear();
        using DocumentLibrary alone = new(DocumentStore.Open(Store), Model, Encoder, 16, ChunkPlacement.Alone);
        Assert.Equal(4, alone.Ingest([Documents]).ComputedChunks);
        Answer answer = alone.Ask("cats dogs", new AskOptions { Passages = 2, Repair = ChunkRepair.Parse("1") });
        answer.Complete();
        Assert.Equal([1, 1 + Tokens(answer.Sources[1])], Model.Repaired);

        using DocumentLibrary stacked = new(DocumentStore.Open(Store), Model, Encoder, 16, ChunkPlacement.Stacked);
        Assert.Equal(0, stacked.Ingest([Documents]).ComputedChunks);
        answer = stacked.Ask("cats dogs", new AskOptions { Passages = 2 });
        answer.Complete();
        Assert.Equal((0, 0), (answer.RepairedTokens, answer.RecomputedTokens));
    }

    [Fact]
    public void Passages_can_be_given_instead_of_found()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        IReadOnlyList<Passage> chunks = library.Chunks(Path.Combine(Documents, "cats.txt"));
        Assert.Equal(2, chunks.Count);
        library.Ask("Why?", [chunks[1], chunks[0]], new AskOptions { Instruction = "", AnswerPrefix = "Because" }).Complete();
        Assert.Equal($"<|user|>{Cats}\n\nWhy?<|end|><|assistant|>Because", Model.Decode(Model.LastPrompt));
        Assert.Throws<InvalidInputException>(() => library.Chunks("other.txt"));
    }

    [Fact]
    public void Thinned_chunks_have_a_shelf_of_their_own_and_are_never_converted()
    {
        using (DocumentLibrary library = Open())
        {
            library.Ingest([Documents]);
        }

        using DocumentLibrary thin = new(DocumentStore.Open(Store), new FakeModel(sameTokenizer: Model), Encoder, 16, thinStore: 0.75);
        IngestReport report = thin.Ingest([Documents]);
        Assert.Equal((4, 0), (report.ComputedChunks, report.ConvertedChunks));
        Assert.Equal(["k=f16,v=f16", "k=f16,v=f16,thin-store=75%"], thin.Store.Statistics().Kv.Select(kv => kv.Policy)
            .Order(StringComparer.Ordinal));
        Assert.Throws<InvalidInputException>(() => new DocumentLibrary(thin.Store, Model, Encoder, 16, thinStore: 0));
    }

    [Fact]
    public void An_answer_marks_the_files_that_it_used()
    {
        using DocumentLibrary library = Open();
        library.Ingest([Documents]);
        DateTime longAgo = DateTime.UtcNow.AddDays(-1);
        Array.ForEach(KvFiles(), file => File.SetLastWriteTimeUtc(file, longAgo));
        Answer answer = library.Ask("cats dogs", new AskOptions { Passages = 3 });
        answer.Complete();
        Assert.Contains(KvFiles(), file => File.GetLastWriteTimeUtc(file) > longAgo.AddHours(1));
    }

    private int Tokens(Passage passage) => Model.Encode(Chunker.PromptText(passage.Text), parseSpecial: false).Length;
}
