using Kvasir.Benchmarks.Kernels;
using Kvasir.Documents.Answering;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Storage;

namespace Kvasir.Benchmarks;

/// <summary>
/// How long a store of many chunks takes to be opened, made ready and searched: <c>store FOLDER [CHUNKS]</c>, which fills the folder where
/// it holds no store. Words are as frequent as Zipf's law has them; embeddings are random.
/// </summary>
internal static class StoreSpeed
{
    private const int Width = 384, WordsOfChunk = 150, Vocabulary = 30_000, ChunksOfDocument = 100, ChunksOfFile = 1000, Runs = 7;

    /// <summary>Eight words: three in more than 1% of the texts, three in nearly as many, two rare ones.</summary>
    private const string Question = "word100 word300 word900 word1600 word2000 word3000 word8000 word20000";

    public static int Run(string[] args)
    {
        if (args is not [var folder, .. var rest]) throw new InvalidInputException("store FOLDER [CHUNKS]: name a folder");
        int chunks = rest is [var count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : 10_000;
        if (!DocumentStore.Exists(folder)) Fill(folder, chunks);
        long held = Held(folder, out chunks);
        var opened = new List<double>();
        var ready = new List<double>();
        for (int run = 0; run < 3; run++)
        {
            long start = Stopwatch.GetTimestamp();
            using DocumentStore store = DocumentStore.Open(folder);
            opened.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            using var retriever = new Retriever(new Encoder());
            retriever.Nearest(store.Catalog, Encoder.Question, 1, null);
            ready.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        using DocumentStore searched = DocumentStore.Open(folder);
        using var asked = new Retriever(new Encoder());
        double search = Timing.Best(3, () => asked.Find(searched.Catalog, Question, 5, null));
        double nearest = Timing.Best(3, () => asked.Nearest(searched.Catalog, Encoder.Question, 5, null));
        Console.WriteLine(
            $"{chunks} chunks: opened in {opened.Min() * 1e3:0} ms, with its first search in {ready.Min() * 1e3:0} ms; searched in "
            + $"{search * 1e3:0.0} ms, by embeddings alone in {nearest * 1e3:0.0} ms; {(double)held / chunks:0.0} managed bytes a chunk");
        return 0;
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
