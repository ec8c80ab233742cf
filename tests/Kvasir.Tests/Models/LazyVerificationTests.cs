using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Tests.Models;

/// <summary>Placed files are checked by the forward pass that first reads them.</summary>
public sealed class LazyVerificationTests : IDisposable
{
    private const string Policy = "k=f16,v=f16";

    private readonly TemporaryFolder _folder = new();
    private readonly Batch _batch = new();

    private string FilePath => Path.Combine(_folder.Path, "chunk.kv");

    public void Dispose()
    {
        _batch.Dispose();
        _folder.Dispose();
    }

    [SkippableTheory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    public void A_damaged_layer_ends_the_pass_and_leaves_the_caches_as_they_were(int threads, int layer)
    {
        using Model model = Load(threads);
        Save(model, 100);
        Damage(model, layer);
        using KvCache cache = Placed(model, 40), other = model.NewCache();
        for (int attempt = 0; attempt < 2; attempt++)
        {
            _batch.Clear();
            _batch.Add(other, [1, 2, 3]);
            _batch.Add(cache, [4, 5]);
            DamagedKvException damage = Assert.Throws<DamagedKvException>(() => model.Forward(_batch));
            Assert.Equal(FilePath, damage.Path);
            Assert.Equal($"{FilePath}: damaged KV file (the checksum of layer {layer} differs)", damage.Message);
            Assert.Equal((140, 0), (cache.Length, other.Length));
        }

        cache.Truncate(40);
        using KvCache untouched = model.NewCache();
        Forward(model, untouched, Ids(40));
        untouched.Seal(); // as placing did
        Assert.Equal(Forward(model, untouched, [6, 7]), Forward(model, cache, [6, 7]));
    }

    [SkippableFact]
    public void Every_worker_count_finds_a_sound_file_sound()
    {
        float[]? expected = null;
        for (int threads = 1; threads <= 4; threads++)
        {
            using Model model = Load(threads);
            Save(model, 100);
            using KvCache cache = Placed(model, 40);
            float[] logits = Forward(model, cache, [4, 5]);
            expected ??= logits;
            for (int i = 0; i < logits.Length; i++) Assert.Equal(expected[i], logits[i], 1e-4f);
        }
    }

    [SkippableFact]
    public void Damage_is_looked_for_once()
    {
        using Model model = Load(2);
        Save(model, 100);
        using KvFile file = KvFile.Open(FilePath, model.CacheLayout);
        using KvCache cache = model.NewCache();
        cache.Place(file);
        using KvCache fork = cache.Fork();
        Assert.False(file.IsChecked);
        Forward(model, fork, [1]);
        Assert.True(file.IsChecked);
        Damage(model, 0); // after the check, through the shared mapping
        Forward(model, cache, [1]);
        Assert.Throws<DamagedKvException>(file.Verify);
    }

    [SkippableFact]
    public void A_fork_finds_the_damage_too()
    {
        using Model model = Load(2);
        Save(model, 100);
        Damage(model, 1);
        using KvCache cache = Placed(model, 0);
        using KvCache fork = cache.Fork();
        cache.Dispose();
        Assert.Throws<DamagedKvException>(() => Forward(model, fork, [1]));
    }

    [SkippableFact]
    public void What_copies_blocks_without_a_pass_checks_them_first()
    {
        using Model model = Load(1);
        Save(model, 100);
        Damage(model, 1);
        using KvCache cache = Placed(model, 0);
        string copy = Path.Combine(_folder.Path, "copy.kv");
        Assert.Throws<DamagedKvException>(() => cache.Duplicate().Dispose());
        Assert.Throws<DamagedKvException>(() => cache.Convert(KvPolicy.Parse("k=kivi4,v=kivi4")).Dispose());
        Assert.Throws<DamagedKvException>(() => cache.Save(copy, Ids(100)));
        Assert.False(File.Exists(copy));
    }

    private static Model Load(int threads) =>
        Model.Load(SharedData.Require("models/tiny/tiny-llama3.gguf"),
            new ModelOptions { Compute = ComputeMode.Float32, Threads = threads });

    private void Save(Model model, int tokens)
    {
        using KvCache cache = model.NewCache(KvPolicy.Parse(Policy));
        Forward(model, cache, Ids(tokens));
        cache.Save(FilePath, Ids(tokens));
    }

    /// <summary>A cache with the saved part behind so many tokens.</summary>
    private KvCache Placed(Model model, int before)
    {
        KvCache cache = model.NewCache(KvPolicy.Parse(Policy));
        if (before > 0) Forward(model, cache, Ids(before));
        using KvFile file = KvFile.Open(FilePath, model.CacheLayout);
        cache.Place(file);
        return cache;
    }

    /// <summary>Flips a bit in the middle of a layer.</summary>
    private void Damage(Model model, int layer)
    {
        using FileStream file = File.Open(FilePath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new BinaryReader(file);
        file.Position = 12;
        int header = reader.ReadInt32();
        file.Position = header + (file.Length - header) * (2 * layer + 1) / (2 * model.Config.Layers);
        int changed = file.ReadByte() ^ 4;
        file.Position--;
        file.WriteByte((byte)changed);
    }

    private float[] Forward(Model model, KvCache cache, int[] ids)
    {
        _batch.Clear();
        _batch.Add(cache, ids);
        model.Forward(_batch);
        return _batch.Logits(0).ToArray();
    }

    private static int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => i * 7 % 100)];
}
