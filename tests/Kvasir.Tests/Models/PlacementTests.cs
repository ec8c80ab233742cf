using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Tests.Models;

public sealed class PlacementTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-place").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData("tiny-llama3.gguf")]
    [InlineData("tiny-qwen2.gguf")]
    public void A_saved_conversation_goes_on_as_if_it_had_never_been_saved(string file)
    {
        using Model model = GoldenLogitsTests.Load(file, ComputeMode.Float32);
        int[] ids = [.. Enumerable.Range(0, 90).Select(i => i * 17 % model.Config.Vocabulary)];
        string path = Path.Combine(_folder, "chat.kv");
        using KvCache original = model.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        using var batch = new Batch();
        Forward(model, batch, original, ids);
        original.Save(path, ids);
        float[] expected = Forward(model, batch, original, [9, 8, 7]);

        using KvFile saved = KvFile.Open(path, model.CacheLayout, verify: true);
        using KvCache loaded = model.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        loaded.Place(saved);
        float[] actual = Forward(model, batch, loaded, [9, 8, 7]);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f);
    }

    [SkippableFact]
    public void A_model_with_learned_positions_refuses_another_place()
    {
        using Model model = GoldenLogitsTests.Load("tiny-gpt2.gguf", ComputeMode.Float32);
        string path = Path.Combine(_folder, "part.kv");
        using KvCache cache = model.NewCache();
        using var batch = new Batch();
        Forward(model, batch, cache, [1, 2, 3, 4]);
        cache.Save(path, [1, 2, 3, 4]);
        using KvFile file = KvFile.Open(path, model.CacheLayout);
        Assert.Contains("cannot be shifted", Assert.Throws<InvalidInputException>(() => cache.Place(file)).Message,
            StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("k=kivi4,v=kivi4")]
    [InlineData("k=kivi3,v=kivi2,group=16,sink=64")]
    public void A_file_converted_for_a_model_gives_the_logits_of_one_made_at_once(string policy)
    {
        using Model model = GoldenLogitsTests.Load("tiny-llama3.gguf", ComputeMode.Float32);
        int[] ids = [.. Enumerable.Range(0, 150).Select(i => i * 17 % model.Config.Vocabulary)];
        string exact = Path.Combine(_folder, "exact.kv"), converted = Path.Combine(_folder, "converted.kv"),
            direct = Path.Combine(_folder, "direct.kv");
        KvPolicy target = KvPolicy.Parse(policy);
        using var batch = new Batch();
        using (KvCache cache = model.NewCache(KvPolicy.Parse("k=f32,v=f32")))
        {
            Forward(model, batch, cache, ids);
            cache.Save(exact, ids);
        }
        using (KvCache cache = model.NewCache(target))
        {
            Forward(model, batch, cache, ids);
            cache.Save(direct, ids);
        }
        Assert.Equal(150, KvFile.Convert(exact, converted, model.CacheLayout, target));
        Assert.Equal(File.ReadAllBytes(direct), File.ReadAllBytes(converted));
        float[][] logits = [.. new[] { converted, direct }.Select(path =>
        {
            using KvFile file = KvFile.Open(path, model.CacheLayout, verify: true);
            using KvCache cache = model.NewCache(target);
            Forward(model, batch, cache, [3, 4, 5]);
            cache.Place(file);
            return Forward(model, batch, cache, [9, 8, 7]);
        })];
        Assert.Equal(logits[0], logits[1]);
    }

    private static float[] Forward(Model model, Batch batch, KvCache cache, int[] ids)
    {
        batch.Clear();
        batch.Add(cache, ids);
        model.Forward(batch);
        return batch.Logits(0).ToArray();
    }
}
