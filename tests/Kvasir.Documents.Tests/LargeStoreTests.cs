namespace Kvasir.Documents.Tests;

/// <summary>Beside no other tests: they would count into the process's memory and take from its time.</summary>
[Collection(nameof(LargeStoreTests))]
[CollectionDefinition(nameof(LargeStoreTests), DisableParallelization = true)]
public class LargeStoreTests
{
    private const int Chunks = 10_000, Width = 384;

    /// <summary>
    /// At once: opening and searching take no more than some passes over the vectors, which a search has to read at least. Measured in turn
    /// with them, so that a slow or busy machine slows both. On an idle one such a pass takes about 4 ms.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void Ten_thousand_chunks_open_and_are_searched_at_once(int chunksPerDocument)
    {
        using var folder = new TemporaryFolder();
        using (DocumentStore store = DocumentStore.Open(folder.Sub("store"), create: true, new Unflushed()))
        {
            Fill(store, chunksPerDocument);
        }

        float[] vectors = new float[Chunks * Width];
        (double opening, double pass) = Best(() => DocumentStore.Open(folder.Sub("store")).Dispose(), () => Sum(vectors));
        Assert.True(opening < 100 * pass, $"opened in {opening:0} ms, a pass over the vectors takes {pass:0.0}");
        using DocumentStore opened = DocumentStore.Open(folder.Sub("store"));
        Assert.Equal(Chunks, opened.Statistics().Chunks);

        var retriever = new Retriever(new WideEncoder());
        List<Passage> found = [];
        (double searching, pass) = Best(() => found = retriever.Find(opened.Catalog, "marker5000 and word77", 5, null).Passages,
            () => Sum(vectors));
        Assert.True(searching < 10 * pass, $"searched in {searching:0} ms, a pass over the vectors takes {pass:0.0}");
        Assert.Contains(found, passage => passage.Text.Contains("marker5000 ", StringComparison.Ordinal));
    }

    /// <summary>What is not mapped: the rest of a chunk must stay small, so that a million of them fit a small machine's memory.</summary>
    [Fact]
    public void Chunk_takes_few_bytes_of_managed_memory()
    {
        using var folder = new TemporaryFolder();
        using (DocumentStore store = DocumentStore.Open(folder.Sub("store"), create: true, new Unflushed()))
        {
            Fill(store, chunksPerDocument: 1);
        }

        // What the runtime keeps for itself, and other threads of the test run leave behind, comes and goes: the least of some counts.
        Assert.InRange(Enumerable.Range(0, 3).Min(_ => HeldBy(folder.Sub("store"))) / Chunks, 1, 100);
    }

    [Fact]
    public void Ingest_that_is_stopped_goes_on_where_it_was_and_does_nothing_twice()
    {
        const int Texts = 3000, InFile = 300;
        using var folder = new TemporaryFolder();
        for (int f = 0; f < Texts / InFile; f++)
        {
            folder.File($"documents/{f}.jsonl",
                string.Join('\n', Enumerable.Range(f * InFile, InFile).Select(i => $$"""{"id":"d{{i}}","text":"word{{i}}"}""")));
        }

        var model = new FakeModel(new Unflushed());
        var encoder = new FakeEncoder();
        int computed = 0;
        foreach (int stopAt in new[] { 1321, 900, int.MaxValue })
        {
            using var library = new DocumentLibrary(DocumentStore.Open(folder.Sub("store"), create: true, new Unflushed()), model,
                encoder, 320);
            using var stop = new CancellationTokenSource();
            int before = model.PrefilledTokens;
            Exception? error = Record.Exception(() => library.Ingest([folder.Sub("documents")], new StopAfter(stopAt, encoder.Embedded,
                encoder, stop), stop.Token));
            Assert.Equal(stopAt != int.MaxValue, error is OperationCanceledException);
            computed += model.PrefilledTokens - before;
            Assert.InRange(encoder.Embedded, 1, Texts);
        }

        Assert.Equal(Texts, encoder.Embedded);
        using DocumentLibrary whole = new(DocumentStore.Open(folder.Sub("store")), model, encoder, 320);
        Assert.Equal(Texts, whole.Store.Statistics().Chunks);
        Assert.Equal(2 * Texts + model.EncodePrefix().Length, computed);
        Assert.Equal("word321", whole.Search("word321", 1)[0].Text);
    }

    /// <summary>Managed bytes that an open store and what was made for searching it take.</summary>
    private static long HeldBy(string store)
    {
        var retriever = new Retriever(new WideEncoder());
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using DocumentStore opened = DocumentStore.Open(store);
        retriever.Find(opened.Catalog, "marker5000 and word77", 5, null);
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(retriever);
        return held;
    }

    /// <summary>The shortest of five runs of each, taken in turn, in milliseconds.</summary>
    private static (double Work, double Yardstick) Best(Action work, Action yardstick)
    {
        (double Work, double Yardstick) best = (double.MaxValue, double.MaxValue);
        for (int run = 0; run < 5; run++) best = (Math.Min(best.Work, Milliseconds(work)), Math.Min(best.Yardstick,
            Milliseconds(yardstick)));
        return best;

        static double Milliseconds(Action action)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    /// <summary>One addition after the other, which no CPU does several of at a time.</summary>
    private static void Sum(float[] vectors)
    {
        float sum = 0;
        foreach (float x in vectors) sum += x;
        Assert.Equal(0, sum);
    }

    private static void Fill(DocumentStore store, int chunksPerDocument)
    {
        ICatalog catalog = store.Catalog;
        var random = new Random(1);
        for (int f = 0; f < Chunks / 1000; f++)
        {
            string path = $"/documents/{f}.jsonl";
            var documents = new List<StoredDocument>();
            for (int first = f * 1000; first < (f + 1) * 1000; first += chunksPerDocument)
            {
                string[] texts = [.. Enumerable.Range(first, chunksPerDocument).Select(i => $"marker{i} " + string.Join(' ',
                    Enumerable.Range(0, 160).Select(_ => $"word{random.Next(30_000)}")))];
                documents.Add(catalog.Add(path, new DocumentContent($"d{first}", "", new byte[32], 320,
                    [.. texts.Select(text => new ChunkContent(0, text.Length, 200, text))])));
                catalog.Embed("wide", [.. catalog.Chunks(documents[^1]).Select(chunk => (chunk.TextId, (float[])[.. Enumerable.Range(0,
                    Width).Select(_ => random.NextSingle() - 0.5f)]))]);
            }

            catalog.Commit(new StoredFile { Path = path, Length = 1, ChangedTicks = 1, Hash = [] }, documents);
        }
    }

    private sealed class WideEncoder : ITextEncoder
    {
        public string Identity => "wide";

        public float[] Embed(string text)
        {
            float[] vector = new float[Width];
            vector[0] = 1;
            return vector;
        }
    }

    /// <summary>Asks to stop once so many texts have been embedded in this run.</summary>
    private sealed class StopAfter(int texts, int before, FakeEncoder encoder, CancellationTokenSource stop) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value)
        {
            if (encoder.Embedded - before >= texts)
            {
                stop.Cancel();
            }
        }
    }
}
