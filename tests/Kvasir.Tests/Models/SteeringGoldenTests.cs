using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Calibration;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Tests.Cache;

namespace Kvasir.Tests.Models;

/// <summary>Probabilities, logits and effect of PASTA as its authors' library gives them (shared golden/pasta).</summary>
public sealed class SteeringGoldenTests(RealModelInFloat32 real) : IClassFixture<RealModelInFloat32>
{
    private static readonly KvPolicy s_float32 = KvPolicy.Parse("k=f32,v=f32");

    [SkippableFact]
    public void Probabilities_of_a_layer_are_the_golden_ones()
    {
        using JsonDocument golden = Open("pasta.json");
        using SafetensorsFile tensors = SafetensorsFile.Open(SharedData.Require("golden/pasta/pasta.safetensors"));
        foreach (JsonElement of in golden.RootElement.GetProperty("layer_cases").EnumerateArray())
        {
            string name = of.GetProperty("name").GetString()!;
            bool decode = name == "decode";
            int prompt = of.GetProperty("input_len").GetInt32(), keys = decode ? of.GetProperty("keys").GetInt32() : prompt, rows =
                decode ? 1 : prompt;
            float[] scores = tensors.Floats(decode ? "layer.decode.scores" : "layer.scores");
            float[] expected = tensors.Floats($"layer.{name}.probs");
            int[] heads = Ints(of.GetProperty("heads"));
            var steering = new Steering(PolicyOf(of, [.. heads.Select(head => new SteeredHead(0, head))]), prompt);
            for (int h = 0; h < 9; h++)
            {
                // Where the decode case has all heads, those that are not steered are the plain softmax.
                int at = decode ? h : Array.IndexOf(heads, h);
                if (at < 0) continue;
                float[] actual = Probabilities(scores.AsSpan(h * rows * keys, rows * keys), rows, keys, steering,
                    steered: heads.Contains(h));
                SequenceFixture.Close(expected[(at * rows * keys)..((at + 1) * rows * keys)], actual, 1e-5f);
            }
        }
    }

    [SkippableFact]
    public void Logits_of_the_steered_model_are_the_golden_ones()
    {
        Model model = real.Model;
        using JsonDocument golden = Open("pasta.json");
        using SafetensorsFile tensors = SafetensorsFile.Open(SharedData.Require("golden/pasta/pasta.safetensors"));
        foreach (JsonElement of in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = of.GetProperty("name").GetString()!;
            SteeredHead[] heads = [.. of.GetProperty("head_config").EnumerateObject().SelectMany(layer =>
                Ints(layer.Value).Select(head =>
                    new SteeredHead(int.Parse(layer.Name, System.Globalization.CultureInfo.InvariantCulture), head)))];
            int[] ids = Ints(of.GetProperty("prompt_token_ids"));
            using KvCache cache = model.NewCache(s_float32);
            cache.Steer(PolicyOf(of, heads), ids.Length);
            float[] actual = [.. Next(model, cache, ids), .. Ints(of.GetProperty("forced_continuation_ids"))
                .SelectMany(id => Next(model, cache, [id]))];
            SequenceFixture.Close(tensors.Floats($"{name}.logits"), actual, 2e-3f);
            using KvCache plain = model.NewCache(s_float32);
            SequenceFixture.Close(tensors.Floats($"{name}.logits_unsteered_last"), Next(model, plain, ids), 2e-3f);
        }
    }

    [SkippableFact]
    public void The_effect_on_the_toy_task_is_the_golden_one_and_the_profile_finds_its_layers()
    {
        Model model = real.Model;
        byte[] json = File.ReadAllBytes(SharedData.Require("golden/pasta/effect.json"));
        using var golden = JsonDocument.Parse(json);
        IReadOnlyList<SteeringTask> tasks = SteeringTask.Read(json, "effect.json", model);
        KvPolicy known = model.Prepare(KvPolicy.Parse("k=f32,v=f32,steer=0:1"));
        Assert.Equal(Ints(golden.RootElement.GetProperty("top6_layers")), known.Steering!.Heads!.Select(head => head.Layer).Order());
        var measurement = new HeadMeasurement(model, tasks, null, CancellationToken.None);
        (double Wanted, double Other)[] plain = measurement.LogProbabilities(null, 0.01), steered =
            measurement.LogProbabilities(known.Steering.Heads, 0.01);
        foreach ((int i, JsonElement prompt) in golden.RootElement.GetProperty("prompts").EnumerateArray().Index())
        {
            Assert.Equal(Ints(prompt.GetProperty("token_ids")), tasks[i].Ids);
            Assert.Equal(Ints(prompt.GetProperty("span")), new[] { tasks[i].Span.First, tasks[i].Span.End });
            Assert.Equal(prompt.GetProperty("new_id").GetInt32(), tasks[i].Wanted);
            Assert.Equal(prompt.GetProperty("old_id").GetInt32(), tasks[i].Other);
            Assert.Equal(prompt.GetProperty("p_new_unsteered").GetDouble(), Math.Exp(plain[i].Wanted), 1e-3);
            Assert.Equal(prompt.GetProperty("p_old_unsteered").GetDouble(), Math.Exp(plain[i].Other), 1e-3);
            Assert.Equal(prompt.GetProperty("p_new_steered_top6_a001").GetDouble(), Math.Exp(steered[i].Wanted), 1e-3);
            Assert.Equal(prompt.GetProperty("p_old_steered_top6_a001").GetDouble(), Math.Exp(steered[i].Other), 1e-3);
        }
    }

    /// <summary>
    /// Softmax of given scores by attention itself: keys are unit vectors and queries the scores; values are unit vectors, so the output is
    /// the weights.
    /// </summary>
    private static unsafe float[] Probabilities(ReadOnlySpan<float> scores, int rows, int keys, Steering steering, bool steered)
    {
        const int Channels = 64;
        var layer = new LayerLayout(1, Channels, Channels, int.MaxValue, null);
        var kernels = AttentionKernels.For(KernelPath.Vector128);
        using var cache = new KvCache(new KvLayout([layer], kernels, () => "m", () => "t"), s_float32, new BlockPool());
        cache.Append(keys, seal: false, (_, _, token, key, value) =>
        {
            key.Clear();
            value.Clear();
            (key[token], value[token]) = (1, 1);
        });
        HeadCache head = cache.Layers[0].Heads[0];
        using var scratch = new AttentionScratch(Channels);
        float[] output = new float[rows * Channels], maximum = new float[rows], sum = new float[rows];
        new Span<float>(scratch.Queries, rows * Channels).Clear();
        for (int r = 0; r < rows; r++) scores.Slice(r * keys, keys).CopyTo(new Span<float>(scratch.Queries + r * Channels, keys));
        var tile = new QueryTile(keys - rows, rows, 1, Causal: true, 0)
        {
            Steering = steered ? steering : null,
            SteeredHeads = steered ? 1UL : 0,
        };
        fixed (float* o = output, m = maximum, s = sum)
        {
            BlockAttention.Attend(head, layer, kernels, tile, 0, head.BlockCount, scratch, o, m, s);
            BlockAttention.Normalise(kernels, o, rows, Channels, s);
        }
        return [.. Enumerable.Range(0, rows).SelectMany(r => output[(r * Channels)..(r * Channels + keys)])];
    }

    private static SteeringPolicy PolicyOf(JsonElement of, SteeredHead[] heads) => new()
    {
        Spans = [.. of.GetProperty("spans").EnumerateArray().Select(span => new TokenSpan(span[0].GetInt32(), span[1].GetInt32()))],
        Heads = heads,
        Alpha = of.GetProperty("alpha").GetDouble(),
        Mode = Enum.Parse<SteeringMode>(of.GetProperty("scale_position").GetString()!, ignoreCase: true),
    };

    private static float[] Next(Model model, KvCache cache, int[] ids)
    {
        using var batch = new Batch();
        batch.Add(cache, ids);
        model.Forward(batch);
        return batch.Logits(0).ToArray();
    }

    private static JsonDocument Open(string name) => JsonDocument.Parse(File.ReadAllBytes(SharedData.Require($"golden/pasta/{name}")));

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetInt32())];
}

/// <summary>The real model, loaded when a test first asks for it.</summary>
public sealed class RealModelInFloat32 : IDisposable
{
    private Model? _model;

    internal Model Model => _model ??=
        Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), new ModelOptions { Compute = ComputeMode.Float32 });

    public void Dispose() => _model?.Dispose();
}
