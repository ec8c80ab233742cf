using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Tests.Models;

public sealed class RotaryFrequenciesTests : IDisposable
{
    private const int HeadDim = 64;
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"kvasir-rope-{Guid.NewGuid():N}.gguf");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Linear_scaling_divides_every_frequency()
    {
        double[] plain = Frequencies(), scaled = Frequencies(("llama.rope.scaling.type", "linear"), ("llama.rope.scaling.factor", 4f));
        for (int j = 0; j < plain.Length; j++) Assert.Equal(plain[j] / 4, scaled[j], 1e-6 * plain[j]);
    }

    [Fact]
    public void Yarn_keeps_fast_pairs_and_divides_slow_ones()
    {
        const int original = 2048;
        double[] plain = Frequencies(),
            yarn = Frequencies(("llama.rope.scaling.type", "yarn"), ("llama.rope.scaling.factor", 8f),
            ("llama.rope.scaling.original_context_length", (uint)original));
        for (int j = 0; j < plain.Length; j++)
        {
            double turns = original * plain[j] / (2 * Math.PI);
            if (turns > 40) Assert.Equal(plain[j], yarn[j], 1e-5 * plain[j]);
            else if (turns < 0.9) Assert.Equal(plain[j] / 8, yarn[j], 1e-5 * plain[j]);
            else Assert.InRange(yarn[j], plain[j] / 8 * 0.9999, plain[j] * 1.0001);
        }
    }

    [Fact]
    public void Yarn_scales_cosine_and_sine_by_its_attention_factor()
    {
        Rotary rotary = Read(("llama.rope.scaling.type", "yarn"), ("llama.rope.scaling.factor", 8f)).For(1);
        float[] table = new float[rotary.TableLength];
        rotary.FillTable(0, table);
        Assert.Equal(0.1 * Math.Log(8) + 1, table[0], 1e-5);
        rotary.FillTable(0, table, withMagnitude: false);
        Assert.Equal(1, table[0], 1e-6);
    }

    [Theory]
    [InlineData("llama.rope.scaling.factor", 0f)]
    [InlineData("llama.rope.dimension_count", 66u)]
    [InlineData("llama.rope.dimension_count", 3u)]
    public void Nonsense_is_refused(string key, object value) => Assert.Throws<InvalidInputException>(() => Read((key, value)));

    /// <summary>Radians that each pair turns from one position to the next, read off the table.</summary>
    private double[] Frequencies(params (string Key, object Value)[] metadata)
    {
        Rotary rotary = Read(metadata).For(1);
        float[] table = new float[rotary.TableLength];
        rotary.FillTable(1, table, withMagnitude: false);
        return [.. Enumerable.Range(0, HeadDim / 2).Select(j => Math.Atan2(table[HeadDim + 2 * j + 1], table[2 * j]))];
    }

    private RotaryChoice Read(params (string Key, object Value)[] metadata)
    {
        var writer = new GgufWriter();
        var values = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["general.architecture"] = "llama",
            ["llama.block_count"] = 1u,
            ["llama.embedding_length"] = 128u,
            ["llama.attention.head_count"] = 2u,
            ["llama.feed_forward_length"] = 128u,
            ["llama.context_length"] = 16384u,
        };
        foreach ((string key, object value) in metadata) values[key] = value;
        foreach ((string key, object value) in values) writer.Add(key, value);
        writer.AddTensor("token_embd.weight", TensorType.F32, [2, 128], new float[256].AsSpan());
        writer.Write(_path);
        using ModelFile file = ModelFiles.Open(_path);
        var read = new ModelMetadata(file);
        return RotaryFrequencies.FromMetadata(read, read.ReadConfig());
    }
}
