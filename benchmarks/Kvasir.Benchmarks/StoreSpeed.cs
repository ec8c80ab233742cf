using Kvasir.Documents.Answering;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Storage;

namespace Kvasir.Benchmarks;

/// <summary>
/// How long a store of many chunks takes to be opened, made ready and searched: <c>store FOLDER [CHUNKS]</c>, which fills the folder where
/// it holds no store. Words are as frequent as Zipf's law has them; embeddings are random.
/// </summary>
internal static class StoreSpeed
{
    private const int Width = 384, WordsOfChunk = 150, Vocabulary = 30_000, ChunksOfDocument = 100, ChunksOfFile = 1000;

    /// <summary>Eight words: three in more than 1% of the texts, three in nearly as many, two rare ones.</summary>
    private const string Question = "word100 word300 word900 word1600 word2000 word3000 word8000 word20000";

    public static int Run(string[] args)
    {
        if (args is not [var folder, .. var rest]) throw new InvalidInputException("store FOLDER [CHUNKS]: name a folder");
        int chunks = rest is [var count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : 10_000;
        if (!DocumentStore.Exists(folder)) Fill(folder, chunks);
        long held = Held(folder, out chunks);
        string opened = Best(5, () => DocumentStore.Open(folder).Dispose());
        string ready = Best(5, () =>
        {
            using DocumentStore store = DocumentStore.Open(folder);
            using var retriever = new Retriever(new Encoder());
            retriever.Nearest(store.Catalog, Encoder.Question, 1, null);
        });
        using DocumentStore searched = DocumentStore.Open(folder);
        using var asked = new Retriever(new Encoder());
        string search = Best(30, () => asked.Find(searched.Catalog, Question, 5, null));
        string nearest = Best(30, () => asked.Nearest(searched.Catalog, Encoder.Question, 5, null));
        Console.WriteLine(
            $"{chunks} chunks, {(double)held / chunks:0.0} managed bytes each; opened in {opened}, with the first search in {ready}; "
            + $"searched in {search}, by embeddings alone in {nearest}");
        return 0;
    }

    /// <summary>The shortest time of some runs, and the least time of CPUs: what it takes where others are at work too.</summary>
    private static string Best(int runs, Action action)
    {
        TimeSpan wall = TimeSpan.MaxValue, cpu = TimeSpan.MaxValue;
        for (int run = 0; run < runs; run++)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            action();
            wall = TimeSpan.FromTicks(Math.Min(wall.Ticks, Stopwatch.GetElapsedTime(start).Ticks));
            cpu = TimeSpan.FromTicks(Math.Min(cpu.Ticks, (Environment.CpuUsage.TotalTime - before).Ticks));
        }

        return $"{wall.TotalMilliseconds:0} ms ({cpu.TotalMilliseconds:0} ms of CPU)";
    }

    private static long Held(string folder, out int chunks)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using DocumentStore store = DocumentStore.Open(folder);
        using var retriever = new Retriever(new Encoder());
        chunks = retriever.Find(store.Catalog, Question, 5, null).Chunks;
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(retriever);
        return held;
    }

    private static void Fill(string folder, int chunks)
    {
        var random = new Random(1);
        var clock = Stopwatch.StartNew();
        using DocumentStore store = DocumentStore.Open(folder, create: true);
        for (int first = 0; first < chunks; first += ChunksOfFile)
        {
            string path = $"/documents/{first}.jsonl";
            var documents = new List<StoredDocument>();
            for (int at = first; at < Math.Min(chunks, first + ChunksOfFile); at += ChunksOfDocument)
            {
                ChunkContent[] texts = [.. Enumerable.Range(at, ChunksOfDocument).Select(i => Text(random, i))
                    .Select(text => new ChunkContent(0, text.Length, 200, text))];
                StoredDocument document = store.Catalog.Add(path, new DocumentContent($"d{at}", "", new byte[32], 320, texts));
                store.Catalog.Embed(Encoder.Name, [.. store.Catalog.Chunks(document).Select(chunk => (chunk.TextId, Vector(random)))]);
                documents.Add(document);
            }

            store.Catalog.Commit(new StoredFile { Path = path, Length = 1, ChangedTicks = 1, Hash = [] }, documents);
        }

        Console.WriteLine($"{chunks} chunks stored in {clock.Elapsed.TotalSeconds:0} s");
    }

    private static string Text(Random random, int chunk) => $"marker{chunk} " + string.Join(' ',
        Enumerable.Range(0, WordsOfChunk).Select(_ => $"word{(int)Math.Pow(Vocabulary, random.NextDouble())}"));

    private static float[] Vector(Random random) => [.. Enumerable.Range(0, Width).Select(_ => random.NextSingle() - 0.5f)];

    private sealed class Encoder : ITextEncoder
    {
        public const string Name = "random";

        public static float[] Question { get; } = Vector(new Random(2));

        public string Identity => Name;

        public float[] Embed(string text) => Question;
    }
}
