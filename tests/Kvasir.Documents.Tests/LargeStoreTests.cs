using System.Diagnostics;
using Kvasir.Documents;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Retrieval;
using Kvasir.Documents.Storage;

namespace Kvasir.Tests;

public class LargeStoreTests
{
    private const int Chunks = 10_000, Width = 384;

    /// <summary>The aims are 200 ms and 20 ms on an idle machine; the bounds leave room for a busy one.</summary>
    [Fact]
    public void Ten_thousand_chunks_open_and_are_searched_at_once()
    {
        using var folder = new TemporaryFolder();
        using (DocumentStore store = DocumentStore.Open(folder.Sub("store"), create: true))
        {
            Fill(store);
        }

        var encoder = new WideEncoder();
        long start = Stopwatch.GetTimestamp();
        using DocumentStore opened = DocumentStore.Open(folder.Sub("store"));
        TimeSpan opening = Stopwatch.GetElapsedTime(start);
        Assert.True(opening < TimeSpan.FromSeconds(2), $"opened in {opening.TotalMilliseconds:0} ms");
        Assert.Equal(Chunks, opened.Statistics().Chunks);

        var retriever = new Retriever(encoder);
        retriever.Search(opened.Read(), "what stands in word77 of chunk 5000", 5, null);
        start = Stopwatch.GetTimestamp();
        List<Passage> found = retriever.Search(opened.Read(), "marker5000 and word77", 5, null);
        TimeSpan searching = Stopwatch.GetElapsedTime(start);
        Assert.True(searching < TimeSpan.FromMilliseconds(300), $"searched in {searching.TotalMilliseconds:0} ms");
        Assert.Contains(found, passage => passage.Text.Contains("marker5000 ", StringComparison.Ordinal));
    }

    private static void Fill(DocumentStore store)
    {
        using StoreWriter writer = store.Write();
        var random = new Random(1);
        string name = KvShelf.NameOf("x");
        for (int d = 0; d < Chunks / 100; d++)
        {
            List<string> texts = [.. Enumerable.Range(0, 100).Select(i => $"marker{d * 100 + i} " + string.Join(' ', Enumerable.Range(0, 160).Select(_ => $"word{random.Next(30_000)}")))];
            StoredDocument document = writer.Catalog.Add(
                new StoredDocument
                {
                    Number = 0,
                    File = $"/documents/{d}.txt",
                    Id = null,
                    Title = "",
                    ContentHash = [],
                    ChunkTokens = 320,
                    Chunks = [.. texts.Select(text => new StoredChunk { Start = 0, Length = text.Length, Tokens = 200, KvName = name, Terms = TermCounts.Of(text) })],
                },
                texts);
            writer.Catalog.Add(new StoredVectors("wide", document.Number, Width, [.. Enumerable.Range(0, 100 * Width).Select(_ => random.NextSingle() - 0.5f)]));
            writer.Catalog.Commit(new StoredFile { Path = document.File, Length = 1, ChangedTicks = 1, Hash = [], Documents = [document.Number] });
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
}
