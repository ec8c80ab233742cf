using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

public sealed class KvFileLoadingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Loading_eight_chunks_allocates_little_and_copies_nothing()
    {
        var chunk = new LayeredFile(30, 3, 64);
        string[] paths = [.. Enumerable.Range(0, 8).Select(i => Path.Combine(_folder.Path, $"{i}.kv"))];
        chunk.Save(paths[0], "k=kivi4,v=kivi4", 512);
        foreach (string path in paths[1..]) File.Copy(paths[0], path);
        TimeSpan quickest = TimeSpan.MaxValue, reading = TimeSpan.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            using KvCache cache = chunk.NewCache("k=kivi4,v=kivi4");
            long before = GC.GetAllocatedBytesForCurrentThread(), started = Stopwatch.GetTimestamp();
            Place(cache, chunk.Layout, paths);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (Stopwatch.GetElapsedTime(started) is var took && took < quickest) quickest = took;
            started = Stopwatch.GetTimestamp();
            foreach (string path in paths) File.ReadAllBytes(path);
            if (Stopwatch.GetElapsedTime(started) is var read && read < reading) reading = read;
            Assert.Equal(8 * 512, cache.Length);
            Assert.Equal(0, cache.Pool.Bytes);
            if (attempt > 0) Assert.InRange(allocated, 1, 300_000); // the first one loads what reads headers
        }
        Assert.True(quickest < reading, $"{quickest.TotalMilliseconds} ms, and {reading.TotalMilliseconds} to read the files");
    }

    private static void Place(KvCache cache, KvLayout layout, string[] paths)
    {
        foreach (string path in paths)
        {
            using KvFile file = KvFile.Open(path, layout, verify: false);
            cache.Place(file);
        }
    }
}
