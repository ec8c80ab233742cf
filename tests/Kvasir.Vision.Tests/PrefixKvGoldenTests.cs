using System.Text.Json;
using Kvasir.Cache.Eviction;
using Kvasir.Calibration;
using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Vision.Tests;

/// <summary>What the float32 reference found of PrefixKV on prompts with a picture: attention received, tokens of each layer.</summary>
public sealed class PrefixKvGoldenTests
{
    private const string Before = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        + "<|im_start|>user\n", After = "<|im_end|>\n<|im_start|>assistant\n";

    [SkippableFact]
    public void Scores_counts_and_kept_tokens_are_the_reference_s()
    {
        var exact = new ModelOptions { Compute = ComputeMode.Float32 };
        using Model model = Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), exact);
        using ImageEncoder encoder = ImageEncoder.Open(SharedData.Require("models/shapes-mmproj.gguf"), exact);
        using SafetensorsFile scores = SafetensorsFile.Open(SharedData.Require("golden/vision/prefixkv_scores.safetensors"));
        using var golden = JsonDocument.Parse(File.ReadAllText(SharedData.Require("golden/vision/prefixkv.json")));
        foreach (JsonElement example in golden.RootElement.GetProperty("examples").EnumerateArray())
        {
            float[][] received = Received(model, encoder, example);
            float[] expected = scores.Floats(example.GetProperty("scores").GetString()!);
            int tokens = received[0].Length;
            Assert.Equal(example.GetProperty("scored_length").GetInt32(), tokens);
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], received[i / tokens][i % tokens], 1e-3f * MathF.Max(1, expected[i]));
            var search = new PrefixKvSearch(received);
            foreach (JsonProperty budget in example.GetProperty("budgets").EnumerateObject())
            {
                CheckCounts(search, budget.Value, received.Length);
                if (budget.Name == "0.3") CheckKept(received, budget.Value);
            }
        }
    }

    /// <summary>The fewest highest scores whose share of the layer's attention reaches the threshold, at least 2.</summary>
    private static void CheckCounts(PrefixKvSearch search, JsonElement budget, int layers)
    {
        int[] counts = budget.GetProperty("counts_from_threshold").Deserialize<int[]>()!;
        float threshold = budget.GetProperty("threshold").GetSingle();
        for (int layer = 0; layer < layers; layer++)
        {
            int reached = search.RunningSum(layer).ToArray().Count(sum => sum < threshold) + 1;
            Assert.InRange(Math.Max(2, reached), counts[layer] - 1, counts[layer] + 1);
        }
    }

    /// <summary>The first, the last, and the highest: others only where scores are nearly equal.</summary>
    private static void CheckKept(float[][] received, JsonElement budget)
    {
        int[] counts = budget.GetProperty("counts_prefixkv_sample").Deserialize<int[]>()!;
        int[][] kept = budget.GetProperty("kept_prefixkv_sample").Deserialize<int[][]>()!;
        for (int layer = 0; layer < received.Length; layer++)
        {
            float[] guarded = [.. received[layer]];
            guarded[0] = guarded[^1] = float.PositiveInfinity;
            int[] own = TokenSelection.Highest(guarded, counts[layer]);
            float[] more = [.. own.Except(kept[layer]).Select(token => received[layer][token]).Order()],
                less = [.. kept[layer].Except(own).Select(token => received[layer][token]).Order()];
            Assert.Equal(more.Length, less.Length);
            for (int i = 0; i < more.Length; i++) Assert.Equal(more[i], less[i], 2e-3f * MathF.Max(1, more[i]));
        }
    }

    private static float[][] Received(Model model, ImageEncoder encoder, JsonElement example)
    {
        var embeddings = new InputEmbeddings(model.Config.Width);
        EncodedImage image = encoder.Encode(SharedData.Require(example.GetProperty("image").GetString()!));
        string text = $"{Before}{ImagePrompt.Marker}\n{example.GetProperty("question").GetString()}{After}";
        int[] ids = ImagePrompt.Encode(model.Tokenizer, text, [image], embeddings);
        var score = new ReceivedScore();
        return [.. PromptObservation.Of(model, ids.AsSpan(..^1), score.Needs, embeddings).Select(layer => score.Score(layer)[0])];
    }
}
