namespace Kvasir.Formats;

/// <summary>
/// How one Hugging Face model type is called in GGUF's terms: its architecture name, its modules' names,
/// and what its configuration leaves out. Each stands in its architecture's file.
/// </summary>
internal sealed record HfArchitecture
{
    private static readonly string[] ExpertCounts =
        ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "num_routed_experts"];

    /// <summary>The settings of a Llama-like decoder, to be varied with <c>with</c>.</summary>
    public static HfArchitecture Decoder { get; } = new()
    {
        Name = "llama",
        ModelTypes = ["llama"],
        Prefixes = ["model.", ""],
        BlockStem = "layers.",
        Modules = new Dictionary<string, string> { ["embed_tokens"] = "token_embd", ["norm"] = "output_norm", ["lm_head"] = "output" },
        BlockModules = new Dictionary<string, string>
        {
            ["input_layernorm"] = "attn_norm",
            ["self_attn.q_proj"] = "attn_q",
            ["self_attn.k_proj"] = "attn_k",
            ["self_attn.v_proj"] = "attn_v",
            ["self_attn.o_proj"] = "attn_output",
            ["self_attn.q_norm"] = "attn_q_norm",
            ["self_attn.k_norm"] = "attn_k_norm",
            ["self_attn.qkv_proj"] = "attn_qkv",
            ["post_attention_layernorm"] = "ffn_norm",
            ["mlp.gate_proj"] = "ffn_gate",
            ["mlp.up_proj"] = "ffn_up",
            ["mlp.gate_up_proj"] = "ffn_up",
            ["mlp.down_proj"] = "ffn_down",
        },
        Ignored = ["rotary_emb.inv_freq"],
        Activations = ["silu"],
        Defaults = new Dictionary<string, double> { ["rms_norm_eps"] = 1e-6, ["rope_theta"] = 10000, ["max_position_embeddings"] = 2048 },
    };

    /// <summary>The architecture in GGUF.</summary>
    public required string Name { get; init; }

    /// <summary>Values of config.json's <c>model_type</c>.</summary>
    public required IReadOnlyList<string> ModelTypes { get; init; }

    /// <summary>What stands before the names of all layers; the first that fits is cut off. The last is usually empty.</summary>
    public required IReadOnlyList<string> Prefixes { get; init; }

    /// <summary>What stands before a layer's number (<c>layers.</c>).</summary>
    public required string BlockStem { get; init; }

    /// <summary>Modules outside the layers.</summary>
    public required IReadOnlyDictionary<string, string> Modules { get; init; }

    /// <summary>Modules of one layer.</summary>
    public required IReadOnlyDictionary<string, string> BlockModules { get; init; }

    /// <summary>Tensors that a model does without: their names contain one of these.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Activation functions that the architecture's GGUF form implies.</summary>
    public required IReadOnlyList<string> Activations { get; init; }

    /// <summary>Values of absent settings, as the model type defines them.</summary>
    public IReadOnlyDictionary<string, double> Defaults { get; init; } = new Dictionary<string, double>();

    /// <summary>Further numbers of the configuration, and the metadata keys that they become.</summary>
    public IReadOnlyDictionary<string, string> Numbers { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings that some configurations spell out though the model type means only one value.</summary>
    public IReadOnlyDictionary<string, string> Implied { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether neighbouring channels are rotated together; otherwise one of each half.</summary>
    public bool Interleaved { get; init; }

    /// <summary>Whether norms store w where GGUF stores 1 + w.</summary>
    public bool NormsLackOne { get; init; }

    /// <summary>Whether matrices are stored [inputs, outputs] (Conv1D).</summary>
    public bool Transposed { get; init; }

    /// <summary>Whether the output matrix is the embedding where the configuration does not say.</summary>
    public bool Tied { get; init; }

    /// <summary>Whether a window counts only where <c>use_sliding_window</c> is true, from layer <c>max_window_layers</c> on.</summary>
    public bool WindowIsOptional { get; init; }

    /// <summary>Whether positions are turned into rotations.</summary>
    public bool Rotary { get; init; } = true;

    /// <summary>Whether norms are RMS norms (else LayerNorms).</summary>
    public bool RmsNorm { get; init; } = true;

    /// <exception cref="InvalidInputException">The configuration names none or an unknown model type.</exception>
    public static HfArchitecture Of(HfJson config, IReadOnlyList<HfArchitecture> known)
    {
        string type = config.Text("model_type")
            ?? throw DamagedFile.Error(config.Path, "\"model_type\" is missing; this is not the configuration of a language model");
        HfJson inner = config.Object("text_config") ?? config;
        if (ExpertCounts.Any(name => inner.Number(name) > 1) || type.Contains("moe", StringComparison.Ordinal))
            throw DamagedFile.Experts(config.Path);
        return known.FirstOrDefault(architecture => architecture.ModelTypes.Contains(type))
            ?? throw DamagedFile.Error(config.Path,
                $"model type '{type}' is not supported ({string.Join(", ", known.SelectMany(other => other.ModelTypes))} are)");
    }

    /// <summary>These with others in their place or besides.</summary>
    public static Dictionary<string, T> With<T>(IReadOnlyDictionary<string, T> values, params ReadOnlySpan<(string Name, T Value)> others)
    {
        var changed = new Dictionary<string, T>(values);
        foreach ((string name, T value) in others) changed[name] = value;
        return changed;
    }

    /// <summary>The GGUF name of a tensor (<c>blk.3.attn_q.weight</c>), null for one that is not needed.</summary>
    /// <exception cref="InvalidInputException">The name is not one of this architecture's.</exception>
    public string? Translate(string path, string name)
    {
        if (Ignored.Any(part => name.Contains(part, StringComparison.Ordinal))) return null;
        string prefix = Prefixes.First(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
        ReadOnlySpan<char> rest = name.AsSpan(prefix.Length);
        IReadOnlyDictionary<string, string> modules = Modules;
        string block = "";
        if (rest.StartsWith(BlockStem) && rest[BlockStem.Length..] is var numbered && numbered.IndexOf('.') is var digits and > 0)
        {
            if (!int.TryParse(numbered[..digits], NumberStyles.None, null, out int layer)) throw Unknown(path, name);
            block = $"blk.{layer}.";
            modules = BlockModules;
            rest = numbered[(digits + 1)..];
        }
        int dot = rest.LastIndexOf('.');
        if (dot < 0 || !modules.TryGetValue(rest[..dot].ToString(), out string? module)) throw Unknown(path, name);
        return rest[(dot + 1)..] switch
        {
            "weight" or "gamma" => $"{block}{module}.weight",
            "bias" or "beta" => $"{block}{module}.bias",
            _ => throw Unknown(path, name),
        };
    }

    private InvalidInputException Unknown(string path, string name) =>
        DamagedFile.Error(path, $"tensor '{name}' does not belong to a {Name} model as known here; convert the model to GGUF instead");
}
