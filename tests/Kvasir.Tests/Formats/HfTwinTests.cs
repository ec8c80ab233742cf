using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;

namespace Kvasir.Tests.Formats;

/// <summary>The tiny GGUF models, written as the Hugging Face folders that they could have come from, look the same again.</summary>
public sealed class HfTwinTests : IDisposable
{
    private const string Qwen2 = """
        {"model_type":"qwen2","hidden_size":192,"intermediate_size":288,"num_hidden_layers":3,"num_attention_heads":6,"num_key_value_heads":2,
         "vocab_size":384,"max_position_embeddings":512,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"hidden_act":"silu","tie_word_embeddings":true,
         "use_sliding_window":false,"sliding_window":null,"max_window_layers":3}
        """;

    private const string Gemma2 = """
        {"model_type":"gemma2","hidden_size":128,"intermediate_size":256,"num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":48,
         "vocab_size":512,"max_position_embeddings":512,"rms_norm_eps":1e-06,"rope_theta":10000.0,"hidden_activation":"gelu_pytorch_tanh",
         "query_pre_attn_scalar":48,"sliding_window":16,"attn_logit_softcapping":12.0,"final_logit_softcapping":5.0}
        """;

    private const string Phi3 = """
        {"model_type":"phi3","hidden_size":256,"intermediate_size":256,"num_hidden_layers":2,"num_attention_heads":8,"num_key_value_heads":4,
         "vocab_size":448,"max_position_embeddings":256,"original_max_position_embeddings":64,"rms_norm_eps":1e-05,"rope_theta":10000.0,"hidden_act":"silu",
         "sliding_window":262144,"tie_word_embeddings":false,"rope_scaling":{"type":"longrope","long_factor":[LONG],"short_factor":[SHORT]}}
        """;

    private const string Gpt2 = """
        {"model_type":"gpt2","n_embd":128,"n_layer":2,"n_head":4,"n_positions":128,"vocab_size":385,"n_inner":null,"activation_function":"gelu_new","layer_norm_epsilon":1e-05}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("qwen2", Qwen2)]
    [InlineData("gemma2", Gemma2)]
    [InlineData("phi3", Phi3)]
    [InlineData("gpt2", Gpt2)]
    public void Folder_equals_its_gguf(string name, string config)
    {
        using ModelFile gguf = ModelFiles.Open(SharedData.Require($"models/tiny/tiny-{name}.gguf"));
        _folder.File("config.json", config.Replace("LONG", Factors(gguf, "long"), StringComparison.Ordinal)
            .Replace("SHORT", Factors(gguf, "short"), StringComparison.Ordinal));
        WriteWeights(
            gguf, HfArchitecture.Of(HfJson.Read(Path.Combine(_folder.Path, "config.json")),
            Kvasir.Models.Architecture.FileNames.HuggingFace));
        using ModelFile folder = ModelFiles.Open(_folder.Path);
        Assert.Equal(gguf.Tensors.Keys.Order(StringComparer.Ordinal), folder.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (Tensor expected in gguf.Tensors.Values)
        {
            Tensor actual = folder.RequireTensor(expected.Name);
            Assert.Equal(expected.Shape, actual.Shape);
            Assert.All(Floats(expected).Zip(Floats(actual)), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
        }
        foreach ((string key, object value) in gguf.Metadata.Where(pair => pair.Key.StartsWith($"{name}.", StringComparison.Ordinal)))
            Assert.Equal(Convert.ToDouble(value, null), Convert.ToDouble(folder.Metadata[key], null), 1e-6);
    }

    private void WriteWeights(ModelFile gguf, HfArchitecture architecture)
    {
        var writer = new SafetensorsWriter();
        foreach (Tensor tensor in gguf.Tensors.Values.Where(tensor => !tensor.Name.StartsWith("rope_", StringComparison.Ordinal)))
        {
            string[] parts = tensor.Name.Split('.');
            bool block = parts[0] == "blk";
            IEnumerable<KeyValuePair<string, string>> modules = block ? architecture.BlockModules : architecture.Modules;
            // Where two modules have one GGUF name, phi3 has the fused one.
            string module = modules.Last(pair =>
                pair.Value == parts[^2] && (architecture.Name == "phi3" || pair.Key != "mlp.gate_up_proj")).Key;
            string name = $"{(block ? $"{architecture.BlockStem}{parts[1]}." : "")}{module}.{parts[^1]}";
            float[] values = Floats(tensor);
            long[] shape = [.. tensor.Shape];
            if (architecture.NormsLackOne && parts[^2].EndsWith("norm", StringComparison.Ordinal))
                values = [.. values.Select(value => value - 1)];
            if (architecture.Transposed && block && shape.Length == 2)
            {
                float[] rows = values;
                values = [.. Enumerable.Range(0, values.Length).Select(i => rows[(i % tensor.Rows * tensor.Columns) + (i / tensor.Rows)])];
                Array.Reverse(shape);
            }
            writer.Add(module == "lm_head" ? name : architecture.Prefixes[0] + name, shape, values);
        }
        writer.Write(Path.Combine(_folder.Path, "model.safetensors"));
    }

    private static string Factors(ModelFile gguf, string kind) =>
        gguf.Tensors.TryGetValue($"rope_factors_{kind}.weight", out Tensor? tensor)
        ? string.Join(",", Floats(tensor).Select(value => value.ToString("R", System.Globalization.CultureInfo.InvariantCulture)))
        : "";

    private static float[] Floats(Tensor tensor)
    {
        var values = new float[tensor.Rows * tensor.Columns];
        for (int row = 0; row < tensor.Rows; row++)
            GgmlBlocks.Dequantize(tensor.Type, tensor.RowBytes(row), values.AsSpan(row * tensor.Columns, tensor.Columns));
        return values;
    }
}
