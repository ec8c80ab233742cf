using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Quantization;
using Kvasir.Reference;
using Kvasir.Tests.Cache;

namespace Kvasir.Tests.Models;

/// <summary>The engine against <c>tests/golden/small.json</c>, which needs nothing from outside the project.</summary>
[Trait("Category", "Kernels")]
public sealed class SmallGoldenTests : IDisposable
{
    private const double Tolerance = 1e-4;

    private static readonly SmallGolden Golden =
        SmallGolden.FromJson(File.ReadAllText(Path.Combine(SharedData.ProjectRoot(), SmallGolden.FileName)));
    private static readonly KvPolicy Float32 = KvPolicy.Parse("k=f32,v=f32");

    private readonly TemporaryFolder _folder = new();
    private readonly Model _model;
    private readonly Batch _batch = new();

    public SmallGoldenTests()
    {
        string[] tokens = [.. Enumerable.Range('a', SmallGolden.Model.Vocabulary - 1).Select(letter => $"{(char)letter}"), "ab"];
        string path = TinyHfModel.WriteGguf(SmallGolden.Model, _folder, "llama", permutes: true,
            ("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "gpt-2"), ("tokenizer.ggml.tokens", tokens),
                ("tokenizer.ggml.merges", new[] { "a b" }));
        _model = Model.Load(path, new ModelOptions { Compute = ComputeMode.Float32 });
    }

    public void Dispose()
    {
        _batch.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_golden_file_is_what_the_reference_makes()
    {
        SmallGolden made = SmallGolden.Make();
        Assert.Equal(made.Ids, Golden.Ids);
        Near(made.Logits, [.. Golden.Logits.Select(logit => (float)logit)]);
        Near(made.LogitsAfterPlacing, [.. Golden.LogitsAfterPlacing.Select(logit => (float)logit)]);
        Assert.Equal(made.Kv, Golden.Kv);
        Assert.Equal(made.Kivi.SelectMany(given => given.Codes), Golden.Kivi.SelectMany(given => given.Codes));
        Assert.Equal(made.Retrieval.Texts, Golden.Retrieval.Texts);
        Assert.Equal(made.Retrieval.Order, Golden.Retrieval.Order);
    }

    [Fact]
    public void Logits_are_the_golden_ones() => Near(Golden.Logits, GoldenLogitsTests.AllLogits(_model, Golden.Ids));

    [Fact]
    public void A_saved_cache_goes_on_to_the_golden_logits()
    {
        int saved = SmallGolden.SavedTokens;
        string path = Save(Golden.Ids[..saved]);
        using KvCache loaded = _model.NewCache(Float32);
        using KvFile file = KvFile.Open(path, _model.CacheLayout, verify: true);
        loaded.Place(file);
        Near(Golden.Logits[(saved * SmallGolden.Model.Vocabulary)..], Forward(loaded, Golden.Ids[saved..]));
    }

    [Fact]
    public void A_chunk_placed_elsewhere_gives_the_golden_logits()
    {
        int end = SmallGolden.Before + SmallGolden.Placed;
        string path = Save(Golden.Ids[SmallGolden.Before..end]);
        using KvCache cache = _model.NewCache(Float32);
        Forward(cache, Golden.Ids[..SmallGolden.Before]);
        using KvFile file = KvFile.Open(path, _model.CacheLayout, verify: true);
        cache.Place(file);
        float[] actual = Forward(cache, Golden.Ids[end..]);
        Near(Golden.LogitsAfterPlacing, actual);
        Assert.True(Worst(Golden.Logits[(end * SmallGolden.Model.Vocabulary)..], actual) > 0.1,
            "a chunk that saw what stands before it must differ");
    }

    [Fact]
    public void Quantised_keys_and_values_are_the_golden_codes()
    {
        Assert.Equal([2, 3, 4], Golden.Kivi.Select(given => given.Bits));
        foreach (SmallGolden.KiviCase given in Golden.Kivi)
            foreach (Kvasir.Numerics.AttentionKernels kernels in EncodedBlock.AllKernels)
            {
                using var block = new EncodedBlock(kernels, new QuantizedFormat(given.Bits, 32, 32), 32, Golden.Kv, Golden.Kv);
                (float[] keys, float[] values) = block.Decode();
                for (int i = 0; i < keys.Length; i++)
                {
                    float product = given.Code(i) * given.Scales[i / 32], expected = product + given.Minima[i / 32];
                    Assert.Equal((expected, expected), (keys[i], values[i]));
                }
            }
    }

    private string Save(int[] ids)
    {
        string path = _folder.Sub("part.kv");
        using KvCache cache = _model.NewCache(Float32);
        Forward(cache, ids);
        cache.Save(path, ids);
        return path;
    }

    private float[] Forward(KvCache cache, int[] ids)
    {
        _batch.Clear();
        _batch.Add(cache, ids, LogitRows.All);
        _model.Forward(_batch);
        return [.. Enumerable.Range(0, ids.Length).SelectMany(row => _batch.Logits(row).ToArray())];
    }

    private static void Near(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(Worst(expected, actual), 0, Tolerance);
    }

    private static double Worst(double[] expected, float[] actual) => expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
}
