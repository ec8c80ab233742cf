using System.Numerics.Tensors;
using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Tests.Models;

/// <summary>MatKV's ways of using stored chunks (golden/matkv, three chunks and a question), from KV files and in float32.</summary>
public sealed class StoredChunkGoldenTests(StoredChunkGoldenTests.ThreeChunks golden) : IClassFixture<StoredChunkGoldenTests.ThreeChunks>
{
    private const float LogitTolerance = 1e-3f, KvTolerance = 2e-4f;

    [SkippableTheory]
    [InlineData("V")]
    [InlineData("M0")]
    [InlineData("M1")]
    [InlineData("M2")]
    [InlineData("M2_f16store")]
    [InlineData("M3_r16")]
    [InlineData("M3_r16_on_M1")]
    [InlineData("M4_15")]
    public void Logits_and_greedy_ids_are_the_references(string method)
    {
        using KvCache cache = golden.Context(method);
        Assert.Equal(golden.SuffixStart, cache.Length);
        float[] logits = golden.Feed(cache, golden.Suffix);
        float worst = Worst(logits, golden.Tensors.Floats($"logits.{method}"));
        Assert.True(worst <= LogitTolerance, $"largest difference of the logits: {worst}");
        foreach (int id in golden.Ids($"methods.{method}.greedy_ids"))
        {
            Assert.Equal(id, TensorPrimitives.IndexOfMax(logits));
            logits = golden.Feed(cache, [id]);
        }
    }

    [SkippableTheory]
    [InlineData("alone", 0)]
    [InlineData("behind_prefix", 24)]
    public void Stored_keys_and_values_are_the_references(string way, int position)
    {
        for (int chunk = 0; chunk < golden.Chunks.Length; chunk++)
        {
            using KvCache cache = golden.Model.NewCache(ThreeChunks.Float32);
            using KvFile file = KvFile.Open(
                golden.Stored(chunk, behindPrefix: position > 0, ThreeChunks.Float32), golden.Model.CacheLayout);
            Assert.Equal(position, file.FirstPosition);
            cache.Place(file, rerotate: false);
            foreach (int layer in new[] { 0, 14, 29 })
            {
                string name = $"kv.{way}.chunk{chunk}.layer{layer}";
                (float[] keys, float[] values) = ThreeChunks.Rows(cache, layer);
                Assert.True(Worst(keys, golden.Tensors.Floats(name + ".k")) <= KvTolerance, name);
                Assert.True(Worst(values, golden.Tensors.Floats(name + ".v")) <= KvTolerance, name);
            }
        }
    }

    [SkippableFact]
    public void Deviations_at_the_second_layer_and_the_tokens_chosen_are_the_references()
    {
        using KvCache cache = golden.Place(behindPrefix: true, ThreeChunks.Float32);
        using KvCache known = golden.Model.KnownAtSecondLayer(cache, golden.ContextIds);
        float[] expected = golden.Floats("m4.layer1_deviation"), deviation = golden.Model.Deviations(cache, known, golden.Prefix.Length);
        Assert.Equal(expected.Length, deviation.Length);
        Assert.All(expected.Zip(deviation), pair => Assert.Equal(pair.First, pair.Second, 1e-3f * Math.Max(1, pair.First)));
        int[] chosen = golden.Ids("m4.selected_positions");
        Assert.Equal(chosen, golden.Model.RepairMostDeviating(cache, golden.ContextIds, golden.Prefix.Length, chosen.Length));
    }

    /// <summary>One chunk alone is exact, and so is any number once all of every chunk is computed in place.</summary>
    [SkippableFact]
    public void Repairing_everything_is_computing_everything()
    {
        using KvCache cache = golden.Place(behindPrefix: true, ThreeChunks.Float32), whole = golden.Context("V");
        golden.Repair(cache, int.MaxValue, fromChunk: 1);
        float[] repaired = golden.Feed(cache, golden.Suffix), exact = golden.Feed(whole, golden.Suffix);
        Assert.True(Worst(repaired, exact) <= LogitTolerance);
    }

    [SkippableFact]
    public void A_repaired_cache_is_forked_and_cut_with_its_repair_but_not_saved()
    {
        using KvCache cache = golden.Place(behindPrefix: true, ThreeChunks.Float32);
        golden.Repair(cache, 16, fromChunk: 1);
        float[] first;
        using (KvCache fork = cache.Fork())
        {
            Assert.Equal(cache.Bytes, fork.Bytes);
            first = golden.Feed(fork, golden.Suffix);
        }

        golden.Feed(cache, golden.Suffix);
        cache.Truncate(golden.SuffixStart);
        Assert.Equal(first, golden.Feed(cache, golden.Suffix));
        Assert.Throws<InvalidOperationException>(() => cache.Save(Path.GetTempFileName(), new int[cache.Length]));
        Assert.Throws<InvalidOperationException>(() => golden.Repair(cache, 16, fromChunk: 1));
    }

    private static float Worst(float[] actual, float[] expected) => actual.Zip(expected, (a, b) => Math.Abs(a - b)).Max();

    /// <summary>The golden request, and its chunks as KV files.</summary>
    public sealed class ThreeChunks : IDisposable
    {
        private readonly Lazy<JsonDocument> _json =
            new(() => JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/matkv/three_chunks.json"))));
        private readonly Lazy<Model> _model = new(() =>
            Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), new ModelOptions { Compute = ComputeMode.Float32 }));
        private readonly Lazy<SafetensorsFile> _tensors =
            new(() => SafetensorsFile.Open(SharedData.Require("golden/matkv/three_chunks.safetensors")));
        private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

        public static KvPolicy Float32 { get; } = KvPolicy.Parse("k=f32,v=f32");

        public Model Model => _model.Value;

        public SafetensorsFile Tensors => _tensors.Value;

        public int[] Prefix => Ids("prefix_ids");

        public int[] Suffix => Ids("suffix_ids");

        public int SuffixStart => Element("suffix_start").GetInt32();

        public int[][] Chunks => [.. Element("chunks").EnumerateArray().Select(chunk => Ints(chunk.GetProperty("ids")))];

        public int[] ContextIds => [.. Prefix, .. Chunks.SelectMany(chunk => chunk)];

        public int[] Ids(string path) => Ints(Element(path));

        public float[] Floats(string path) => [.. Element(path).EnumerateArray().Select(value => value.GetSingle())];

        /// <summary>The cache before the suffix.</summary>
        public KvCache Context(string method)
        {
            if (method == "V")
            {
                KvCache whole = Model.NewCache(Float32);
                Feed(whole, ContextIds);
                return whole;
            }

            bool alone = method is "M0" or "M1" or "M3_r16_on_M1";
            KvCache cache = Place(!alone, method == "M2_f16store" ? KvPolicy.Default : Float32, rerotate: method != "M0");
            if (method.StartsWith("M3", StringComparison.Ordinal)) Repair(cache, 16, fromChunk: alone ? 0 : 1);
            if (method.StartsWith("M4", StringComparison.Ordinal))
                Model.RepairMostDeviating(cache, ContextIds, Prefix.Length, Ids("m4.selected_positions").Length);

            return cache;
        }

        /// <summary>The prefix computed, the stored chunks behind it.</summary>
        public KvCache Place(bool behindPrefix, KvPolicy policy, bool rerotate = true)
        {
            KvCache cache = Model.NewCache(Float32);
            Feed(cache, Prefix);
            for (int chunk = 0; chunk < Chunks.Length; chunk++)
            {
                using KvFile file = KvFile.Open(Stored(chunk, behindPrefix, policy), Model.CacheLayout, verify: true);
                cache.Place(file, rerotate);
            }

            return cache;
        }

        public void Repair(KvCache cache, int tokens, int fromChunk)
        {
            List<int> positions = [];
            int start = Prefix.Length;
            foreach ((int index, int[] chunk) in Chunks.Index())
            {
                if (index >= fromChunk) positions.AddRange(Enumerable.Range(start, Math.Min(tokens, chunk.Length)));
                start += chunk.Length;
            }

            Model.Repair(cache, [.. positions], [.. positions.Select(position => ContextIds[position])]);
        }

        public string Stored(int chunk, bool behindPrefix, KvPolicy policy)
        {
            string path = Path.Combine(_folder, $"{chunk}-{behindPrefix}.kv");
            using KvCache cache = Model.NewCache(Float32);
            if (behindPrefix) Feed(cache, Prefix);
            cache.Seal();
            int first = cache.Length;
            Feed(cache, Chunks[chunk]);
            cache.Save(path, Chunks[chunk], first);
            if (policy != Float32) KvFile.Convert(path, path, Model.CacheLayout, policy);
            return path;
        }

        public float[] Feed(KvCache cache, int[] ids)
        {
            using var batch = new Batch();
            batch.Add(cache, ids);
            Model.Forward(batch);
            return batch.Logits(0).ToArray();
        }

        /// <summary>
        /// Keys and values of a layer, [heads, tokens, channels] each; keys with their halves apart, where a GGUF file has pairs side by
        /// side.
        /// </summary>
        public static unsafe (float[] Keys, float[] Values) Rows(KvCache cache, int layer)
        {
            List<float> keys = [], values = [];
            foreach (KvSegment segment in cache.Layers[layer].Heads.SelectMany(head => head.Segments))
            {
                for (int token = 0; token < segment.TokenCount; token++)
                {
                    int block = token / KvBlock.Tokens, slot = token % KvBlock.Tokens, channels = cache.Layers[layer].Layout.KeyChannels;
                    for (int c = 0; c < channels; c++)
                        keys.Add(((float*)segment.Keys(block))[(c < channels / 2 ? 2 * c : 2 * c - channels + 1) * KvBlock.Tokens + slot]);
                    for (int c = 0; c < channels; c++) values.Add(((float*)segment.Values(block))[slot * channels + c]);
                }
            }

            return ([.. keys], [.. values]);
        }

        public void Dispose()
        {
            if (_json.IsValueCreated) _json.Value.Dispose();
            if (_tensors.IsValueCreated) _tensors.Value.Dispose();
            if (_model.IsValueCreated) _model.Value.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];

        private JsonElement Element(string path) =>
            path.Split('.').Aggregate(_json.Value.RootElement, (element, name) => element.GetProperty(name));
    }
}
