namespace Kvasir.Formats;

/// <summary>A Hugging Face configuration under GGUF's metadata keys.</summary>
internal sealed class HfMetadata(HfArchitecture architecture, HfJson config)
{
    private const int MaxSize = 1 << 24, MaxLayers = 1 << 14;

    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);

    private string Prefix => architecture.Name;

    /// <param name="architecture">How the model type is called in GGUF.</param>
    /// <param name="config">The text model's part of config.json, with defaults.</param>
    /// <exception cref="InvalidInputException">A setting is missing, out of range, or asks for what is not supported.</exception>
    public static Dictionary<string, object> Translate(HfArchitecture architecture, HfJson config)
    {
        var metadata = new HfMetadata(architecture, config);
        metadata.RequireSupported();
        metadata.AddSizes();
        metadata.AddAttention();
        if (architecture.Rotary) metadata.AddRotary();
        return metadata._values;
    }

    /// <summary>The size of one attention head.</summary>
    public static int HeadDimension(HfJson config)
    {
        long heads = Size(config, MaxSize, "num_attention_heads", "n_head"), width = Size(config, MaxSize, "hidden_size", "n_embd");
        if (config.Integer("head_dim") is { } size)
            return size is > 0 and <= MaxSize ? (int)size : throw config.Wrong("head_dim", $"from 1 to {MaxSize}");
        return width % heads == 0
            ? (int)(width / heads) : throw config.Wrong("hidden_size", "a multiple of the number of heads, or head_dim given");
    }

    /// <summary>How many channels of a head are rotated.</summary>
    public static int RotaryDimension(HfJson config)
    {
        double share = config.Number("partial_rotary_factor") ?? HfRope.Settings(config)?.Number("partial_rotary_factor") ?? 1;
        int size = (int)(HeadDimension(config) * Math.Clamp(share, 0, 1));
        return size > 0 && size % 2 == 0
            ? size : throw config.Wrong("partial_rotary_factor", "such that an even number of channels is rotated");
    }

    private static long Size(HfJson config, long most, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (config.Integer(name) is { } size) return size > 0 && size <= most ? size : throw config.Wrong(name, $"from 1 to {most}");
        }
        throw config.Wrong(names[0], "given");
    }

    private void RequireSupported()
    {
        if (config.Object("quantization_config") is { } quantization)
            throw DamagedFile.Error(config.Path,
                $"the weights are quantised ({quantization.Text("quant_method") ?? "unknown method"}), which is not supported; use the "
                + "model in BF16, F16 or F32, or as GGUF");
        foreach (string name in (ReadOnlySpan<string>)["hidden_activation", "hidden_act", "activation_function"])
        {
            if (config.Text(name) is not { } activation) continue;
            if (!architecture.Activations.Contains(activation))
                throw DamagedFile.Error(config.Path,
                    $"\"{name}\" is {activation}, which is not supported for {Prefix} ({string.Join(", ", architecture.Activations)} is)");
            break;
        }
        if (config.Flag("use_bidirectional_attention") == true)
            throw config.Wrong("use_bidirectional_attention", "false (true is not supported)");
        if (config.Flag("scale_attn_by_inverse_layer_idx") == true)
            throw config.Wrong("scale_attn_by_inverse_layer_idx", "false (true is not supported)");
        if (config.Flag("scale_attn_weights") == false) throw config.Wrong("scale_attn_weights", "true (false is not supported)");
        foreach ((string name, string value) in HfArchitecture.With(
            new Dictionary<string, string> { ["position_embedding_type"] = "absolute" },
            [.. architecture.Implied.Select(pair => (pair.Key, pair.Value))]))
            if (config.Spelled(name) is { } given && !given.Equals(value, StringComparison.OrdinalIgnoreCase))
                throw DamagedFile.Error(config.Path, $"\"{name}\" is {given}, which is not supported ({value} is)");
    }

    private void AddSizes()
    {
        long width = Size(config, MaxSize, "hidden_size", "n_embd");
        Set("block_count", Size(config, MaxLayers, "num_hidden_layers", "n_layer"));
        Set("context_length", Size(config, int.MaxValue, "max_position_embeddings", "n_positions", "n_ctx"));
        Set("embedding_length", width);
        Set("feed_forward_length", architecture.Transposed && config.Integer("n_inner") == null
            ? 4 * width : Size(config, MaxSize, "intermediate_size", "n_inner"));
        Set("vocab_size", Size(config, MaxSize, "vocab_size"));
        double epsilon = config.Number("rms_norm_eps") ?? config.Number("layer_norm_epsilon") ?? config.Number("layer_norm_eps")
            ?? config.Number("norm_epsilon") ?? throw config.Wrong("rms_norm_eps", "given");
        Set(architecture.RmsNorm ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", epsilon);
        foreach ((string name, string key) in architecture.Numbers)
            if (config.Number(name) is { } value) Set(key, value);
    }

    private void AddAttention()
    {
        long heads = Size(config, MaxSize, "num_attention_heads", "n_head");
        long head = HeadDimension(config);
        Set("attention.head_count", heads);
        Set("attention.head_count_kv", config.Integer("num_key_value_heads") == null ? heads : Size(config, heads, "num_key_value_heads"));
        Set("attention.key_length", head);
        Set("attention.value_length", head);
        if (config.Number("query_pre_attn_scalar") is { } scalar && scalar != head)
            Set("attention.scale", scalar > 0 ? 1 / Math.Sqrt(scalar) : throw config.Wrong("query_pre_attn_scalar", "positive"));
        foreach (string cap in (ReadOnlySpan<string>)["attn_logit_softcapping", "final_logit_softcapping"])
        {
            // An explicit null switches a cap off that the architecture has by default.
            if ((config.Number(cap) ?? (architecture.Defaults.ContainsKey(cap) ? 0.0 : null)) is { } value) Set(cap, value);
        }
        AddSlidingWindow();
        if (config.Integer("type_vocab_size") is { } types && Prefix == "bert")
        {
            Set("attention.causal", false);
            _values["tokenizer.ggml.token_type_count"] = types;
        }
    }

    /// <summary>The window, and per layer whether it slides where the configuration lists that (true = sliding, as in GGUF).</summary>
    private void AddSlidingWindow()
    {
        bool used = config.Flag("use_sliding_window") ?? !architecture.WindowIsOptional;
        long layers = (long)_values[$"{Prefix}.block_count"];
        string[]? types = config.Texts("layer_types");
        if (types is not null
            && (types.Length != layers || !Array.TrueForAll(types, type => type is "full_attention" or "sliding_attention")))
            throw config.Wrong("layer_types", $"a list of {layers}, each full_attention or sliding_attention");
        long? every = config.Integer("sliding_window_pattern");
        if (config.Integer("sliding_window") is not { } window || !used) return;
        if (window < 1) throw config.Wrong("sliding_window", "positive");
        bool[]? sliding = null;
        if (types is not null)
            sliding = [.. types.Select(type => type == "sliding_attention")];
        else if (every is not null)
            sliding = every > 0 ? [.. Enumerable.Range(1, (int)layers).Select(layer => layer % every != 0)]
                : throw config.Wrong("sliding_window_pattern", "positive");
        else if (architecture.WindowIsOptional && config.Integer("max_window_layers") is { } first)
            sliding = [.. Enumerable.Range(0, (int)layers).Select(layer => layer >= first)];
        else if (architecture.WindowIsOptional)
            throw config.Wrong("layer_types", "given where use_sliding_window is true");
        if (sliding?.Contains(true) != false) Set("attention.sliding_window", window);
        if (sliding?.Contains(false) == true) Set("attention.sliding_window_pattern", sliding);
    }

    private void AddRotary()
    {
        Set("rope.dimension_count", (long)RotaryDimension(config));
        Set("rope.freq_base", HfRope.Base(config));
        foreach ((string key, object value) in HfRope.Metadata(config)) Set(key, value);
        if (!architecture.Defaults.ContainsKey("no_rope_layer_interval")) return;
        long layers = (long)_values[$"{Prefix}.block_count"], interval = config.Integer("no_rope_layer_interval") is > 0 and var given
            ? given : throw config.Wrong("no_rope_layer_interval", "positive");
        // the name says the contrary of the values
        long[] rotated = config.Integers("no_rope_layers")
            ?? [.. Enumerable.Range(1, (int)layers).Select(layer => layer % interval == 0 ? 0L : 1)];
        Set("rope.layers", rotated.Length == layers
            ? Array.ConvertAll(rotated, layer => layer != 0) : throw config.Wrong("no_rope_layers", $"a list of {layers}"));
    }

    private void Set(string key, object value) => _values[$"{Prefix}.{key}"] = value;
}
