using Kvasir.Cache;
using Kvasir.Memory;
using Kvasir.Models;

namespace Kvasir.Tests.Cache;

/// <summary>Which pages of a file that was dropped from memory come back, as the system tells.</summary>
public sealed partial class ReadAheadTests : IDisposable
{
    private const int Layers = 8, LayerBytes = 2 * 512 * 64 * 2 * 4;

    private readonly TemporaryFolder _folder = new();
    private readonly LayeredFile _chunk = new(Layers, 2, 64);
    private int _headerBytes;

    private string FilePath => Path.Combine(_folder.Path, "chunk.kv");

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void Placing_reads_the_header_alone()
    {
        SaveAndDrop();
        using KvCache cache = Placed();
        Assert.All(Resident(), page => Assert.True(page * Environment.SystemPageSize < _headerBytes, $"page {page}"));
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(5)]
    public void Layers_that_are_never_run_are_not_read(int layersRun)
    {
        SaveAndDrop();
        using KvCache cache = Placed();
        Touch(cache, layersRun, _ => int.MaxValue);
        int page = Environment.SystemPageSize, dataOffset = _headerBytes;
        int endOfRun = (dataOffset + layersRun * LayerBytes - 1) / page,
            endOfAsked = (dataOffset + (layersRun + KvFile.LayersAhead) * LayerBytes - 1) / page;
        HashSet<int> resident = Resident();
        Assert.All(Enumerable.Range(0, endOfRun + 1), read => Assert.Contains(read, resident));
        Assert.All(resident, read => Assert.InRange(read, 0, endOfAsked));
    }

    [SkippableTheory]
    [InlineData(0, 33)]
    [InlineData(4, 33)]
    [InlineData(4, 34)]
    public void Layers_whose_windows_begin_behind_a_file_do_not_read_it(int windowedLayer, int window)
    {
        const int Distance = 33; // of the query from the file's last token
        bool tooShort = window <= Distance;
        SaveAndDrop();
        using KvCache cache = Placed();
        cache.Append(Distance - 1, seal: false, (_, _, _, _, _) => { });
        Touch(cache, Layers, layer => layer == windowedLayer ? window : int.MaxValue);
        int page = Environment.SystemPageSize, middle = (_headerBytes + windowedLayer * LayerBytes + LayerBytes / 2) / page;
        Assert.Equal(!tooShort, Resident().Contains(middle));
        Assert.Equal(!tooShort, AllChecked(cache));
    }

    [SkippableFact]
    public void A_checked_layer_is_not_asked_for_again()
    {
        SaveAndDrop();
        using KvFile file = KvFile.Open(FilePath, _chunk.Layout, verify: true);
        Assert.True(file.IsChecked);
        using KvCache cache = _chunk.NewCache("k=f32,v=f32");
        cache.Place(file);
        Assert.True(AllChecked(cache));
    }

    private static bool AllChecked(KvCache cache)
    {
        var files = new List<(KvFile, int)>();
        cache.Files.CollectUnchecked(cache.Length, files);
        return files.Count == 0;
    }

    /// <summary>What a pass of one token does, but for the computing.</summary>
    private static void Touch(KvCache cache, int layersRun, Func<int, int> windowOf)
    {
        var slice = new ForwardSlice();
        using var batch = new Batch();
        batch.Add(cache, [1]);
        using KvCache.Step step = cache.BeginStep(1);
        slice.Take(batch, batch.Entries[0], step, 0);
        var touch = new LazyVerification(
            [.. Enumerable.Range(0, Layers)
            .Select(layer =>
            new LayerSpec { Heads = 1, KvHeads = 1, KeySize = 16, ValueSize = 16, FeedForward = 1, Window = windowOf(layer) })]);
        touch.Begin(slice);
        for (int layer = 0; layer < layersRun; layer++)
        {
            touch.ReadAhead(worker: 0, workers: 1, layer);
            touch.Check(layer);
        }
        touch.End();
    }

    private void SaveAndDrop()
    {
        _chunk.Save(FilePath, "k=f32,v=f32", 512);
        _headerBytes = BitConverter.ToInt32(File.ReadAllBytes(FilePath), 12);
        Skip.IfNot(PageCache.Drop(FilePath) && Resident().Count == 0, "this system or file system keeps the pages of a file in memory");
    }

    private KvCache Placed()
    {
        KvCache cache = _chunk.NewCache("k=f32,v=f32");
        using KvFile file = KvFile.Open(FilePath, _chunk.Layout, verify: false);
        cache.Place(file);
        return cache;
    }

    /// <summary>The pages of the file that are in memory.</summary>
    private unsafe HashSet<int> Resident()
    {
        using MappedFile file = MappedFile.Open(FilePath, scattered: true);
        byte[] states = new byte[(file.Length + Environment.SystemPageSize - 1) / Environment.SystemPageSize];
        fixed (byte* state = states) Assert.Equal(0, InMemory(file.Pointer, (nuint)file.Length, state));
        return [.. states.Index().Where(page => (page.Item & 1) != 0).Select(page => page.Index)];
    }

    [LibraryImport("libc", EntryPoint = "mincore")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int InMemory(void* address, nuint length, byte* states);
}
