using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Tests.Cache;

namespace Kvasir.Tests.Models;

/// <summary>
/// Logits and greedy continuations as the reference implementations give them (shared golden/models and golden/engine/logits).
/// </summary>
[Trait("Category", "Kernels")]
public sealed class GoldenLogitsTests
{
    /// <summary>On all paths of this CPU.</summary>
    public static TheoryData<string, string, double> TinyModels =>
        OnAllPaths(("tiny-llama3.gguf", 1e-3), ("tiny-qwen2.gguf", 1e-3), ("tiny-gemma2.gguf", 1e-3), ("tiny-phi3.gguf", 1e-3),
            ("tiny-gpt2.gguf", 5e-4), ("tiny-llama3-hf", 1e-3));

    public static TheoryData<string, string, double> RoundedModels =>
        OnAllPaths(("tiny-llama3.gguf", 0.2), ("tiny-qwen2.gguf", 0.2), ("tiny-gemma2.gguf", 0.2), ("tiny-phi3.gguf", 0.2),
            ("tiny-gpt2.gguf", 0.03));

    [SkippableTheory]
    [MemberData(nameof(TinyModels))]
    public void Tiny_model_gives_the_reference_logits_in_float32(string path, string file, double tolerance)
    {
        string name = Path.GetFileNameWithoutExtension(file);
        using Model model = Load(file, ComputeMode.Float32, Enum.Parse<KernelPath>(path));
        using SafetensorsFile golden = SafetensorsFile.Open(SharedData.Require($"golden/models/{name}.safetensors"));
        foreach (JsonElement testCase in Cases(name))
        {
            int[] ids = Ints(testCase, "ids");
            float[] expected = golden.Floats($"{testCase.GetProperty("name").GetString()}.logits"), actual = AllLogits(model, ids);
            for (int i = 0; i < expected.Length; i++)
                Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance,
                    $"{name}, position {i / model.Config.Vocabulary}: {expected[i]} expected, {actual[i]} found");
            if (!testCase.TryGetProperty("greedy16_gap", out JsonElement gaps)) continue;
            int[] greedy = UntilDoubtful(Ints(testCase, "greedy16"), gaps);
            Assert.Equal(greedy, Greedy(model, ids, greedy.Length));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(RoundedModels))]
    public void Tiny_model_with_int8_activations_stays_near_the_reference(string path, string file, double meanDifference)
    {
        (string name, double meanKl) = (Path.GetFileNameWithoutExtension(file), meanDifference == 0.2 ? 0.02 : 0.001);
        using Model model = Load(file, ComputeMode.Int8, Enum.Parse<KernelPath>(path));
        using SafetensorsFile golden = SafetensorsFile.Open(SharedData.Require($"golden/models/{name}.safetensors"));
        foreach (JsonElement testCase in Cases(name))
        {
            float[] expected = golden.Floats($"{testCase.GetProperty("name").GetString()}.logits"),
                actual = AllLogits(model, Ints(testCase, "ids"));
            Assert.True(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Average() <= meanDifference);
            Assert.True(MeanKl(expected, actual, model.Config.Vocabulary) <= meanKl);
        }
    }

    [SkippableFact]
    public void Real_model_gives_the_reference_logits_in_float32()
    {
        using Model model = Model.Load(
            SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), new ModelOptions { Compute = ComputeMode.Float32 });
        using SafetensorsFile golden = SafetensorsFile.Open(SharedData.Require("golden/engine/logits/smollm2.last_logits.safetensors"));
        foreach (JsonElement prompt in Prompts())
        {
            int[] ids = Ints(prompt, "ids");
            float[] all = AllLogits(model, ids), last = golden.Floats($"{prompt.GetProperty("name").GetString()}.last_logits");
            int vocabulary = model.Config.Vocabulary;
            SequenceFixture.Close(last, all[^vocabulary..], 2e-3f);
            CheckPositions(prompt, all, vocabulary, logSumExpTolerance: 1e-3, doubtfulGap: 0.01);
            int[] greedy = UntilDoubtful(Ints(prompt, "greedy48"), prompt.GetProperty("greedy48_gap"));
            Assert.Equal(greedy, Greedy(model, ids, greedy.Length));
        }
    }

    [SkippableFact]
    public void Real_model_with_int8_activations_stays_near_the_reference()
    {
        using Model model = Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        using Model exact = Model.Load(
            SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), new ModelOptions { Compute = ComputeMode.Float32 });
        foreach (JsonElement prompt in Prompts())
        {
            int[] ids = Ints(prompt, "ids");
            float[] all = AllLogits(model, ids, "k=f16,v=f16");
            CheckPositions(prompt, all, model.Config.Vocabulary, logSumExpTolerance: 1.5, doubtfulGap: 0.6);
            // The float32 path, held to the golden values above, gives the distributions of all positions.
            double kl = MeanKl(AllLogits(exact, ids), all, model.Config.Vocabulary);
            Assert.True(kl <= 0.02, $"{prompt.GetProperty("name").GetString()}: mean KL {kl}");
        }
    }

    private static void CheckPositions(JsonElement prompt, float[] all, int vocabulary, double logSumExpTolerance, double doubtfulGap)
    {
        int[] argmax = Ints(prompt, "argmax");
        for (int p = 0; p < argmax.Length; p++)
        {
            ReadOnlySpan<float> row = all.AsSpan(p * vocabulary, vocabulary);
            Assert.Equal(prompt.GetProperty("logsumexp")[p].GetDouble(), LogSumExp(row), logSumExpTolerance);
            if (prompt.GetProperty("argmax_gap")[p].GetDouble() > doubtfulGap)
                Assert.Equal(argmax[p], System.Numerics.Tensors.TensorPrimitives.IndexOfMax(row));
        }
    }

    internal static Model Load(string tiny, ComputeMode compute, KernelPath? kernels = null) =>
        Model.Load(SharedData.Require($"models/tiny/{tiny}"), new ModelOptions { Compute = compute, Kernels = kernels });

    private static TheoryData<string, string, double> OnAllPaths(params (string File, double Tolerance)[] models)
    {
        var data = new TheoryData<string, string, double>();
        foreach ((string file, double tolerance) in models)
            foreach (KernelPath path in KernelPaths.Supported) data.Add(path.ToString(), file, tolerance);
        return data;
    }

    internal static float[] AllLogits(Model model, int[] ids, string policy = "k=f32,v=f32")
    {
        using KvCache cache = model.NewCache(KvPolicy.Parse(policy));
        using var batch = new Batch();
        batch.Add(cache, ids, LogitRows.All);
        model.Forward(batch);
        float[] all = new float[ids.Length * model.Config.Vocabulary];
        for (int p = 0; p < ids.Length; p++) batch.Logits(p).CopyTo(all.AsSpan(p * model.Config.Vocabulary));
        return all;
    }

    internal static int[] Greedy(Model model, int[] ids, int count)
    {
        using KvCache cache = model.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        using var batch = new Batch();
        int[] next = ids;
        var chosen = new List<int>();
        while (chosen.Count < count)
        {
            batch.Clear();
            batch.Add(cache, next);
            model.Forward(batch);
            next = [System.Numerics.Tensors.TensorPrimitives.IndexOfMax(batch.Logits(0))];
            chosen.Add(next[0]);
        }
        return [.. chosen];
    }

    private static IEnumerable<JsonElement> Cases(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(SharedData.Require($"golden/models/{name}.json"))).RootElement.GetProperty("cases")
            .EnumerateArray();

    private static IEnumerable<JsonElement> Prompts() =>
        JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/engine/logits/smollm2.json"))).RootElement.GetProperty("prompts")
            .EnumerateArray();

    private static int[] Ints(JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];

    /// <summary>The steps before the first whose two best tokens lie within rounding of one another.</summary>
    private static int[] UntilDoubtful(int[] greedy, JsonElement gaps) =>
        greedy[..gaps.EnumerateArray().TakeWhile(gap => gap.GetDouble() > 0.01).Count()];

    internal static double LogSumExp(ReadOnlySpan<float> row)
    {
        double highest = double.NegativeInfinity, sum = 0;
        foreach (float x in row) highest = Math.Max(highest, x);
        foreach (float x in row) sum += Math.Exp(x - highest);
        return highest + Math.Log(sum);
    }

    private static double MeanKl(float[] expected, float[] actual, int vocabulary)
    {
        double total = 0;
        int rows = expected.Length / vocabulary;
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<float> e = expected.AsSpan(r * vocabulary, vocabulary), a = actual.AsSpan(r * vocabulary, vocabulary);
            (double eSum, double aSum) = (LogSumExp(e), LogSumExp(a));
            for (int i = 0; i < vocabulary; i++) total += Math.Exp(e[i] - eSum) * (e[i] - eSum - (a[i] - aSum));
        }
        return total / rows;
    }
}
