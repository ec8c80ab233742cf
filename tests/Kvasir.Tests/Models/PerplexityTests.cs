using System.Text.Json;
using Kvasir.Models;

namespace Kvasir.Tests.Models;

/// <summary>Mean negative log-likelihood of wikitext-2 windows as in the shared golden/engine/ppl.json, protocol A.</summary>
public sealed class PerplexityTests
{
    private const int Window = 512;

    [SkippableTheory]
    [InlineData(ComputeMode.Float32, "k=f32,v=f32", 0.0002)]
    [InlineData(ComputeMode.Int8, "k=f16,v=f16", 0.02)]
    public void Windows_of_real_text_are_as_likely_as_in_the_reference(ComputeMode compute, string policy, double tolerance)
    {
        using Model model = Model.Load(
            SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"), new ModelOptions { Compute = compute });
        int[] ids = model.Tokenizer.Encode(File.ReadAllText(SharedData.Require("data/wikitext-2/test.txt")), parseSpecial: false);
        JsonElement golden = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/engine/ppl.json"))).RootElement.GetProperty(
            "protocols")[0].GetProperty("float32_window_mean_nll");
        double expected = 0, actual = 0;
        for (int window = 0; window < 3; window++)
        {
            expected += golden[window].GetDouble() / 3;
            actual += MeanNegativeLogLikelihood(model, ids[(window * Window)..((window + 1) * Window)], policy) / 3;
        }
        Assert.Equal(expected, actual, tolerance);
    }

    private static double MeanNegativeLogLikelihood(Model model, int[] ids, string policy)
    {
        float[] logits = GoldenLogitsTests.AllLogits(model, ids, policy);
        double total = 0;
        for (int p = 1; p < ids.Length; p++)
        {
            ReadOnlySpan<float> row = logits.AsSpan((p - 1) * model.Config.Vocabulary, model.Config.Vocabulary);
            total += GoldenLogitsTests.LogSumExp(row) - row[ids[p]];
        }
        return total / (ids.Length - 1);
    }
}
