using Kvasir.Cache;
using Kvasir.Models;
using Xunit;

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

        using KvFile saved = KvFile.Open(path, model, verify: true);
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
        using KvFile file = KvFile.Open(path, model);
        Assert.Contains("cannot be shifted", Assert.Throws<InvalidInputException>(() => cache.Place(file)).Message, StringComparison.Ordinal);
    }

    private static float[] Forward(Model model, Batch batch, KvCache cache, int[] ids)
    {
        batch.Clear();
        batch.Add(cache, ids);
        model.Forward(batch);
        return batch.Logits(0).ToArray();
    }
}
