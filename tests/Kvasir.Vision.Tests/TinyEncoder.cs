using Kvasir.Formats;
using Kvasir.Quantization;

namespace Kvasir.Vision.Tests;

/// <summary>Writes a <see cref="NaiveTower"/> in the forms that encoders come in.</summary>
internal static class TinyEncoder
{
    /// <summary>A GGUF file in llama.cpp's form.</summary>
    /// <param name="tower">The encoder.</param>
    /// <param name="path">The file.</param>
    /// <param name="swapped">With the older names of the feed-forward layer's matrices.</param>
    /// <param name="changed">Metadata that are to be otherwise.</param>
    public static string Gguf(NaiveTower tower, string path, bool swapped = false, params ReadOnlySpan<(string Key, object Value)> changed)
    {
        var metadata = new Dictionary<string, object>
        {
            ["general.architecture"] = "clip",
            ["clip.has_vision_encoder"] = true,
            ["clip.projector_type"] = tower.HasClass ? "mlp" : tower.Pools ? "gemma3" : "idefics3",
            ["clip.use_gelu"] = !tower.HasClass,
            ["clip.vision.image_size"] = (uint)tower.ImageSize,
            ["clip.vision.patch_size"] = (uint)tower.PatchSize,
            ["clip.vision.embedding_length"] = (uint)tower.Width,
            ["clip.vision.feed_forward_length"] = (uint)tower.FeedForward,
            ["clip.vision.attention.head_count"] = (uint)tower.Heads,
            ["clip.vision.attention.layer_norm_epsilon"] = (float)tower.Epsilon,
            ["clip.vision.block_count"] = (uint)(tower.Blocks + (tower.HasClass ? 1 : 0)),
            ["clip.vision.image_mean"] = new[] { 0.5f, 0.4f, 0.3f },
            ["clip.vision.image_std"] = new[] { 0.2f, 0.3f, 0.4f },
        };
        if (!tower.HasClass) metadata["clip.vision.projector.scale_factor"] = (uint)tower.Shuffle;
        foreach ((string key, object value) in changed) metadata[key] = value;
        var writer = new GgufWriter();
        foreach ((string key, object value) in metadata) writer.Add(key, value);
        foreach ((string name, (long[] shape, float[] values)) in tower.Weights)
        {
            (string from, string to) = !swapped ? (name, name)
                : name.Contains("ffn_up", StringComparison.Ordinal) ? ("ffn_up", "ffn_down") : ("ffn_down", "ffn_up");
            string written = name.Replace(from, to, StringComparison.Ordinal);
            writer.AddTensor(written, TensorType.F32, shape, values);
        }

        writer.Write(path);
        return path;
    }

    /// <summary>A Hugging Face folder of SmolVLM's or Gemma 3's form, with the image encoder alone or a language model beside it.</summary>
    public static string Folder(
        NaiveTower tower, TemporaryFolder folder, string text = "\"hidden_size\": 3", Action<SafetensorsWriter>? weights = null)
    {
        folder.File("config.json", $$"""
            {"model_type": "{{(tower.Pools ? "gemma3" : "smolvlm")}}", "text_config": { {{text}} },
            "{{(tower.Pools ? "mm_tokens_per_image" : "scale_factor")}}": {{(tower.Pools ? Rows(tower) : tower.Shuffle)}},
            "vision_config": {"hidden_size": {{tower.Width}},
            "intermediate_size": {{tower.FeedForward}}, "num_attention_heads": {{tower.Heads}}, "num_hidden_layers": {{tower.Blocks}},
            "image_size": {{tower.ImageSize}}, "patch_size": {{tower.PatchSize}}, "hidden_act": "gelu_pytorch_tanh"} }
            """);
        folder.File("preprocessor_config.json",
            $$"""{"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], "size": {"longest_edge": {{4 * tower.ImageSize}} } }""");
        var writer = new SafetensorsWriter();
        foreach ((string name, (long[] shape, float[] values)) in tower.Weights)
            writer.Add(HuggingFaceName(name, tower.Pools), shape, name.Contains("soft_emb_norm", StringComparison.Ordinal)
                ? [.. values.Select(value => value - 1)] : values);
        weights?.Invoke(writer);
        writer.Write(folder.Sub("model.safetensors"));
        return folder.Path;
    }

    private static int Rows(NaiveTower tower) => tower.Side / tower.Shuffle * (tower.Side / tower.Shuffle);

    private static string HuggingFaceName(string name, bool gemma)
    {
        if (name == "mm.input_projection.weight") return "multi_modal_projector.mm_input_projection_weight";
        if (name == "mm.soft_emb_norm.weight") return "multi_modal_projector.mm_soft_emb_norm.weight";
        if (name.StartsWith("mm.model.fc", StringComparison.Ordinal))
            return name.Replace("mm.model.fc", "model.connector.modality_projection.proj", StringComparison.Ordinal);
        foreach ((string own, string theirs) in (ReadOnlySpan<(string, string)>)
        [
            ("v.patch_embd", "embeddings.patch_embedding"), ("v.position_embd", "embeddings.position_embedding"),
            ("v.post_ln", "post_layernorm"), ("v.blk", "encoder.layers"), ("attn_out", "self_attn.out_proj"),
            ("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"), ("attn_v", "self_attn.v_proj"),
            ("ln1", "layer_norm1"), ("ln2", "layer_norm2"),
            ("ffn_up", "mlp.fc1"), ("ffn_down", "mlp.fc2"),
        ]) name = name.Replace(own, theirs, StringComparison.Ordinal);
        return (gemma ? "vision_tower.vision_model." : "model.vision_model.") + name;
    }
}
