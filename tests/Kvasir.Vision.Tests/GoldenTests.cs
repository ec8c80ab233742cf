using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Vision.Pictures;

namespace Kvasir.Vision.Tests;

/// <summary>The values that the float32 reference gives for three pictures and their questions.</summary>
public sealed class GoldenTests
{
    private const string Before = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        + "<|im_start|>user\n", After = "<|im_end|>\n<|im_start|>assistant\n";

    private static readonly ModelOptions s_exact = new() { Compute = ComputeMode.Float32 };

    public static TheoryData<string> Pictures => ["shape_001", "shape_002", "shape_017"];

    [SkippableTheory]
    [MemberData(nameof(Pictures))]
    public void Pixels_features_and_rows_are_the_reference_s(string name)
    {
        using SafetensorsFile golden = Golden(name);
        using ImageEncoder encoder = Encoder();
        Picture picture = PictureReader.Read(SharedData.Require($"data/shapes/{name}.png"));
        AssertNear(golden.Floats("pixel_values"), encoder.Normalised(picture), 1e-6f);
        AssertNear(golden.Floats("vit_features"), encoder.Features(picture), 2e-4f);
        AssertNear(golden.Floats("image_embeds"), encoder.Encode(SharedData.Require($"data/shapes/{name}.png")).ToArray(), 2e-4f);
    }

    [SkippableTheory]
    [MemberData(nameof(Pictures))]
    public void Logits_of_questions_are_the_reference_s(string name)
    {
        using SafetensorsFile golden = Golden(name);
        using ImageEncoder encoder = Encoder();
        using Model model = Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), s_exact);
        encoder.CheckFits(model);
        var embeddings = new InputEmbeddings(model.Config.Width);
        EncodedImage image = encoder.Encode(SharedData.Require($"data/shapes/{name}.png"));
        JsonElement[] questions = [.. Questions(name)];
        for (int q = 0; q < questions.Length; q++)
        {
            string question = questions[q].GetProperty("question").GetString()!;
            int[] ids = ImagePrompt.Encode(model.Tokenizer, $"{Before}{ImagePrompt.Marker}\n{question}{After}", [image], embeddings);
            using KvCache cache = model.NewCache(new KvPolicy { Keys = "f32", Values = "f32" });
            using var batch = new Batch();
            batch.Add(cache, ids, LogitRows.Last, embeddings);
            model.Forward(batch);
            AssertNear(golden.Floats($"q{q}.last_logits"), batch.Logits(0).ToArray(), 2e-3f);
        }
        Assert.NotEmpty(questions);
    }

    private static ImageEncoder Encoder() => ImageEncoder.Open(SharedData.Require("models/shapes-mmproj.gguf"), s_exact);

    private static SafetensorsFile Golden(string name) => SafetensorsFile.Open(SharedData.Require($"golden/vision/{name}.safetensors"));

    private static IEnumerable<JsonElement> Questions(string name)
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(SharedData.Require($"golden/vision/{name}.json")));
        return golden.RootElement.GetProperty("questions").Clone().EnumerateArray();
    }

    private static void AssertNear(float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        float furthest = expected.Zip(actual, (a, b) => MathF.Abs(a - b)).Max();
        Assert.True(furthest <= tolerance, $"{furthest} apart, {tolerance} allowed");
    }
}
