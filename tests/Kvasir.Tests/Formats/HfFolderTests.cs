using System.Text.Json;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;

namespace Kvasir.Tests.Formats;

public sealed class HfFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Llama_folder_looks_like_its_gguf()
    {
        TestHf.WriteLlama(_folder);
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.Equal("huggingface", file.Kind);
        Assert.False(file.InterleavedRotary);
        Assert.Equal(Path.Combine(_folder.Path, "tokenizer.json"), file.TokenizerJsonPath);
        Assert.Equal(("llama", 1, 16, 24),
            (file.Require<string>("general.architecture"), file.Require<int>("llama.block_count"),
            file.Require<int>("llama.embedding_length"), file.Require<int>("llama.feed_forward_length")));
        Assert.Equal((4, 2, 4, 4),
            (file.Require<int>("llama.attention.head_count"), file.Require<int>("llama.attention.head_count_kv"),
            file.Require<int>("llama.attention.key_length"), file.Require<int>("llama.rope.dimension_count")));
        Assert.Equal((128, 10, 1e-5, 10000.0),
            (file.Require<int>("llama.context_length"), file.Require<int>("llama.vocab_size"),
            file.Require<double>("llama.attention.layer_norm_rms_epsilon"), file.Require<double>("llama.rope.freq_base")));
        Assert.Equal((1, 3), (file.Require<int>("tokenizer.ggml.bos_token_id"), file.Require<int>("tokenizer.ggml.eos_token_id")));
        Assert.Equal([3, 4], file.Require<long[]>("tokenizer.ggml.eos_token_ids"));
        string[] expected =
        [
            "blk.0.attn_k.weight", "blk.0.attn_norm.weight", "blk.0.attn_output.weight", "blk.0.attn_q.weight", "blk.0.attn_v.weight",
            "blk.0.ffn_down.weight", "blk.0.ffn_gate.weight", "blk.0.ffn_norm.weight", "blk.0.ffn_up.weight",
            "output.weight", "output_norm.weight", "rope_freqs.weight", "token_embd.weight",
        ];
        Assert.Equal(expected, file.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([24, 16], file.RequireTensor("blk.0.ffn_up.weight").Shape);
        Assert.Equal(TestGguf.Ramp(16), Floats(file.RequireTensor("output_norm.weight")));
    }

    [SkippableFact]
    public void Tiny_llama_has_the_tensors_and_factors_of_its_gguf()
    {
        using ModelFile folder = ModelFiles.Open(SharedData.Require("models/tiny/tiny-llama3-hf"));
        using ModelFile gguf = ModelFiles.Open(SharedData.Require("models/tiny/tiny-llama3.gguf"));
        Assert.Equal(gguf.Tensors.Keys.Order(StringComparer.Ordinal), folder.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.All(gguf.Tensors.Values, tensor => Assert.Equal(tensor.Shape, folder.RequireTensor(tensor.Name).Shape));
        Assert.Equal(TensorType.BF16, folder.RequireTensor("blk.0.attn_q.weight").Type);
        foreach ((string key, object value) in gguf.Metadata.Where(pair => pair.Key.StartsWith("llama.", StringComparison.Ordinal)))
            Assert.Equal(Convert.ToDouble(value, null), Convert.ToDouble(folder.Metadata[key], null), 1e-9);
        float[] expected = Floats(gguf.RequireTensor("rope_freqs.weight")), actual = Floats(folder.RequireTensor("rope_freqs.weight"));
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-6f * pair.First));
        Assert.Contains("<|start_header_id|>", folder.Require<string>("tokenizer.chat_template"), StringComparison.Ordinal);
    }

    [Fact]
    public void Tied_output_matrix_is_left_out()
    {
        TestHf.WriteLlama(_folder,
            TestHf.LlamaConfig.Replace("\"llama\",", "\"llama\", \"tie_word_embeddings\": true,", StringComparison.Ordinal));
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.False(file.Tensors.ContainsKey("output.weight"));
    }

    [Fact]
    public void Shards_are_joined_by_their_index()
    {
        _folder.File("config.json", TestHf.LlamaConfig);
        TestHf.WriteWeights(_folder, "model-00001-of-00002.safetensors", TestHf.LlamaTensors.Take(5));
        TestHf.WriteWeights(_folder, "model-00002-of-00002.safetensors", TestHf.LlamaTensors.Skip(5));
        var map = TestHf.LlamaTensors.Select((tensor, i) =>
            KeyValuePair.Create(tensor.Name, $"model-0000{(i < 5 ? 1 : 2)}-of-00002.safetensors"));
        _folder.File("model.safetensors.index.json", JsonSerializer.Serialize(new { weight_map = new Dictionary<string, string>(map) }));
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.Equal(TestHf.LlamaTensors.Length + 1, file.Tensors.Count);
        Assert.Equal(3, file.SourceFiles.Count);
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/hostname")]
    [InlineData("..")]
    public void Index_cannot_leave_the_folder(string name)
    {
        _folder.File("config.json", TestHf.LlamaConfig);
        _folder.File("model.safetensors.index.json", $$"""{"weight_map": {"a": "{{name}}"} }""");
        Refused("name of a file in the same folder");
    }

    [Fact]
    public void Gpt2_matrices_are_turned_and_vectors_are_float32()
    {
        TestHf.Write(
            _folder, """{"model_type":"gpt2","n_embd":4,"n_layer":1,"n_head":2,"n_positions":8,"vocab_size":6,"""
                + """ "activation_function":"gelu_new"}""",
            ("transformer.wte.weight", [6, 4]), ("transformer.wpe.weight", [8, 4]), ("transformer.ln_f.bias", [4]),
                ("transformer.h.0.attn.c_attn.weight", [4, 12]), ("transformer.h.0.attn.bias", [1, 1, 8, 8]));
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.Equal(16, file.Require<int>("gpt2.feed_forward_length"));
        Assert.Equal(1e-5, file.Require<double>("gpt2.attention.layer_norm_epsilon"));
        Assert.Equal([6, 4], file.RequireTensor("token_embd.weight").Shape);
        Tensor turned = file.RequireTensor("blk.0.attn_qkv.weight");
        Assert.Equal([12, 4], turned.Shape);
        float[] stored = TestGguf.Ramp(48);
        Assert.Equal(Enumerable.Range(0, 48).Select(i => stored[(i % 4 * 12) + (i / 4)]), Floats(turned));
        Assert.Equal(["blk.0.attn_qkv.weight", "output_norm.bias", "position_embd.weight", "token_embd.weight"],
            file.Tensors.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Gemma_norms_gain_the_one_that_gguf_contains()
    {
        TestHf.Write(
            _folder, """{"model_type":"gemma3","text_config":{"model_type":"gemma3_text","hidden_size":16,"intermediate_size":8,"""
                + """ "num_hidden_layers":6,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":8,"vocab_size":4,"""
                + """ "sliding_window":512,"sliding_window_pattern":6,"rope_scaling":{"rope_type":"linear","factor":8.0}}}""",
            ("language_model.model.embed_tokens.weight", [4, 16]), ("language_model.model.layers.5.post_attention_layernorm.weight", [16]),
            ("language_model.model.layers.5.pre_feedforward_layernorm.weight", [16]),
                ("language_model.model.layers.5.self_attn.q_norm.weight", [8]), ("vision_tower.x.weight", [2]));
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.Equal(["blk.5.attn_q_norm.weight", "blk.5.ffn_norm.weight", "blk.5.post_attention_norm.weight", "token_embd.weight"],
            file.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(TestGguf.Ramp(16).Select(value => value + 1), Floats(file.RequireTensor("blk.5.ffn_norm.weight")));
        Assert.Equal(TestGguf.Ramp(64), Floats(file.RequireTensor("token_embd.weight")));
        Assert.Equal((512, 1e6, 10000.0),
            (file.Require<int>("gemma3.attention.sliding_window"), file.Require<double>("gemma3.rope.freq_base"),
            file.Require<double>("gemma3.rope.freq_base_swa")));
        Assert.Equal([true, true, true, true, true, false], file.Require<bool[]>("gemma3.attention.sliding_window_pattern"));
        Assert.Equal(("linear", 8.0, 1 / 16.0),
            (file.Require<string>("gemma3.rope.scaling.type"), file.Require<double>("gemma3.rope.scaling.factor"),
            file.Require<double>("gemma3.attention.scale")));
    }

    [Fact]
    public void Bert_names_and_pooling_are_translated()
    {
        TestHf.Write(
            _folder, """{"model_type":"bert","hidden_size":8,"intermediate_size":16,"num_hidden_layers":1,"num_attention_heads":2,"""
                + """ "vocab_size":4,"hidden_act":"gelu"}""",
            ("embeddings.LayerNorm.gamma", [8]), ("encoder.layer.0.attention.self.query.weight", [8, 8]),
                ("encoder.layer.0.output.LayerNorm.bias", [8]), ("pooler.dense.weight", [8, 8]));
        Directory.CreateDirectory(Path.Combine(_folder.Path, "1_Pooling"));
        _folder.File("1_Pooling/config.json", """{"pooling_mode_cls_token":true}""");
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.Equal(["blk.0.attn_q.weight", "blk.0.layer_output_norm.bias", "token_embd_norm.weight"],
            file.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((2, false, 1e-12),
            (file.Require<int>("bert.pooling_type"), file.Require<bool>("bert.attention.causal"),
            file.Require<double>("bert.attention.layer_norm_epsilon")));
    }

    [Theory]
    [InlineData("mistral", "llama", 16)]
    [InlineData("qwen2", "qwen2", 0)]
    public void Sliding_window_counts_where_it_is_used(string type, string architecture, int expected)
    {
        string config = TestHf.LlamaConfig.Replace(
            "\"llama\",", $"\"{type}\", \"sliding_window\": 16, {(expected == 0 ? "\"use_sliding_window\": false," : "")}",
            StringComparison.Ordinal);
        TestHf.WriteLlama(_folder, config);
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.Equal(expected, file.Get($"{architecture}.attention.sliding_window", 0));
    }

    [Fact]
    public void Caps_of_gemma2_are_on_unless_they_are_null()
    {
        const string sizes =
            "\"hidden_size\":16,\"intermediate_size\":8,\"num_hidden_layers\":1,\"num_attention_heads\":4,\"vocab_size\":4";
        TestHf.Write(_folder, $$"""{"model_type":"gemma2",{{sizes}},"final_logit_softcapping":null}""",
            ("model.embed_tokens.weight", [4, 16]));
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.Equal((50.0, 0.0),
            (file.Require<double>("gemma2.attn_logit_softcapping"), file.Require<double>("gemma2.final_logit_softcapping")));
        Assert.Equal((4096, 256), (file.Require<int>("gemma2.attention.sliding_window"), file.Require<int>("gemma2.attention.key_length")));
    }

    [Fact]
    public void Linked_files_are_followed()
    {
        // A hub cache holds links to blobs elsewhere.
        using var blobs = new TemporaryFolder();
        TestHf.WriteLlama(blobs);
        foreach (string path in Directory.GetFiles(blobs.Path))
            File.CreateSymbolicLink(Path.Combine(_folder.Path, Path.GetFileName(path)), path);
        using ModelFile file = ModelFiles.Open(_folder.Path);
        Assert.True(file.Tensors.Values.Sum(TestGguf.Sum) > 0);
    }

    [Fact]
    public void Template_file_and_lists_of_templates_are_found()
    {
        TestHf.WriteLlama(_folder);
        _folder.File("tokenizer_config.json",
            """{"chat_template":[{"name":"tool_use","template":"T"},{"name":"default","template":"D"}]}""");
        using (ModelFile file = ModelFiles.Open(_folder.Path))
            Assert.Equal(("D", "T"),
                (file.Require<string>("tokenizer.chat_template"), file.Require<string>("tokenizer.chat_template.tool_use")));
        _folder.File("chat_template.jinja", "J");
        using (ModelFile file = ModelFiles.Open(_folder.Path)) Assert.Equal("J", file.Require<string>("tokenizer.chat_template"));
    }

    [Fact]
    public void Folder_of_a_gguf_names_the_file()
    {
        string gguf = _folder.File("some.gguf", TestGguf.Bytes(TestGguf.Sample()));
        Refused(gguf);
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "should be a JSON object")]
    [InlineData("{}", "\"model_type\" is missing")]
    [InlineData("""{"model_type":"mamba"}""", "model type 'mamba' is not supported")]
    [InlineData("""{"model_type":"llama"}""", "hidden_size\" should be given")]
    [InlineData("""{"model_type":"llama","hidden_size":-1}""", "hidden_size\" should be from 1")]
    [InlineData("""{"model_type":"llama","hidden_size":1e300}""", "hidden_size\" should be a whole number")]
    [InlineData("""{"model_type":"llama","hidden_size":"x"}""", "hidden_size\" should be a number")]
    [InlineData("""{"model_type":"llama","hidden_act":"relu"}""", "relu, which is not supported")]
    [InlineData("""{"model_type":"llama","quantization_config":{"quant_method":"awq"}}""", "quantised (awq)")]
    public void Unusable_configurations_are_refused(string config, string expected)
    {
        TestHf.WriteLlama(_folder, config);
        Refused(expected);
    }

    [Fact]
    public void Unknown_tensors_and_missing_weights_are_refused()
    {
        TestHf.Write(_folder, TestHf.LlamaConfig, ("model.layers.0.self_attn.sinks.weight", [4]));
        Refused("does not belong to a llama model");
        File.Delete(Path.Combine(_folder.Path, "model.safetensors"));
        Refused("no model.safetensors");
    }

    private void Refused(string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidInputException>(() => ModelFiles.Open(_folder.Path).Dispose()).Message,
            StringComparison.Ordinal);

    private static float[] Floats(Tensor tensor)
    {
        var values = new float[tensor.Rows * tensor.Columns];
        for (int row = 0; row < tensor.Rows; row++)
            GgmlBlocks.Dequantize(tensor.Type, tensor.RowBytes(row), values.AsSpan(row * tensor.Columns, tensor.Columns));
        return values;
    }
}
