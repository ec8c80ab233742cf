using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;

namespace Kvasir.Tests.Models;

/// <summary>Which layers have a sliding window, as GGUF files say it.</summary>
public sealed class SlidingLayersTests : IDisposable
{
    private const string Key = "gemma3.attention.sliding_window_pattern";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Layers_follow_the_list_then_the_period_then_the_usual_period()
    {
        Assert.Equal([true, false, true, true], Slides(Write(new[] { true, false, true, true })));
        Assert.Equal([true, true, false, true], Slides(Write(3u)));
        Assert.Equal([true, false, true, false], Slides(Write(null)));
        Assert.Equal([true, true, true, true], Slides(Write(0u)));
        Assert.Equal([false, false, false, false], Slides(Write(1u)));
    }

    [Fact]
    public void Unusable_patterns_are_refused()
    {
        foreach (object pattern in (object[])[new[] { true, false }, -1, 5_000_000_000UL, "every third"])
            Assert.Throws<InvalidInputException>(() => Slides(Write(pattern)));
    }

    private static bool[] Slides(string path)
    {
        using ModelFile file = ModelFiles.Open(path);
        return [.. Enumerable.Range(0, 4).Select(new ModelMetadata(file).ByLayer(ModelMetadata.SlidingLayers, layers: 4, usualPeriod: 2))];
    }

    private string Write(object? pattern)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "gemma3");
        if (pattern is not null) writer.Add(Key, pattern);
        writer.AddTensor("token_embd.weight", TensorType.F32, [1, 2], new float[2].AsSpan());
        string path = Path.Combine(_folder.Path, "model.gguf");
        writer.Write(path);
        return path;
    }
}
