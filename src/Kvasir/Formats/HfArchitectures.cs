namespace Kvasir.Formats;

/// <summary>The Hugging Face model types that can be opened.</summary>
internal static class HfArchitectures
{
    private static readonly Dictionary<string, string> DecoderModules = new()
    {
        ["embed_tokens"] = "token_embd",
        ["norm"] = "output_norm",
        ["lm_head"] = "output",
    };

    private static readonly Dictionary<string, string> DecoderBlock = new()
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
    };

    private static readonly HfArchitecture Llama = new()
    {
        Name = "llama",
        ModelTypes = ["llama"],
        Prefixes = ["model.", ""],
        BlockStem = "layers.",
        Modules = DecoderModules,
        BlockModules = DecoderBlock,
        Ignored = ["rotary_emb.inv_freq"],
        Activations = ["silu"],
        Defaults = new Dictionary<string, double> { ["rms_norm_eps"] = 1e-6, ["rope_theta"] = 10000, ["max_position_embeddings"] = 2048 },
    };

    /// <summary>In GGUF, too, a mistral model is a llama model with a sliding window.</summary>
    private static readonly HfArchitecture Mistral = Llama with
    {
        ModelTypes = ["mistral"],
        Defaults = new Dictionary<string, double>(Llama.Defaults) { ["num_key_value_heads"] = 8, ["sliding_window"] = 4096, ["max_position_embeddings"] = 131072 },
    };

    private static readonly HfArchitecture Qwen2 = Llama with
    {
        Name = "qwen2",
        ModelTypes = ["qwen2"],
        Defaults = new Dictionary<string, double>(Llama.Defaults) { ["max_position_embeddings"] = 32768, ["sliding_window"] = 4096, ["max_window_layers"] = 28 },
        WindowIsOptional = true,
    };

    private static readonly HfArchitecture Qwen3 = Qwen2 with
    {
        Name = "qwen3",
        ModelTypes = ["qwen3"],
        Defaults = new Dictionary<string, double>(Qwen2.Defaults) { ["head_dim"] = 128 },
    };

    private static readonly HfArchitecture Phi3 = Llama with
    {
        Name = "phi3",
        ModelTypes = ["phi3"],
        Defaults = new Dictionary<string, double>(Llama.Defaults) { ["rms_norm_eps"] = 1e-5, ["max_position_embeddings"] = 4096 },
    };

    private static readonly HfArchitecture Gemma2 = Llama with
    {
        Name = "gemma2",
        ModelTypes = ["gemma2"],
        BlockModules = new Dictionary<string, string>(DecoderBlock)
        {
            ["post_attention_layernorm"] = "post_attention_norm",
            ["pre_feedforward_layernorm"] = "ffn_norm",
            ["post_feedforward_layernorm"] = "post_ffw_norm",
        },
        Activations = ["gelu_pytorch_tanh", "gelu"], // early files say gelu and mean the tanh form
        Defaults = new Dictionary<string, double>(Llama.Defaults)
        {
            ["head_dim"] = 256,
            ["num_key_value_heads"] = 4,
            ["max_position_embeddings"] = 8192,
            ["sliding_window"] = 4096,
            ["query_pre_attn_scalar"] = 256,
            ["attn_logit_softcapping"] = 50,
            ["final_logit_softcapping"] = 30,
        },
        NormsLackOne = true,
        Tied = true,
    };

    /// <summary>The text model; image towers beside it are left out.</summary>
    private static readonly HfArchitecture Gemma3 = Gemma2 with
    {
        Name = "gemma3",
        ModelTypes = ["gemma3_text", "gemma3"],
        Prefixes = ["model.language_model.", "language_model.model.", "language_model.", "model.", ""],
        Ignored = ["rotary_emb", "vision_tower.", "multi_modal_projector."],
        Defaults = new Dictionary<string, double>
        {
            ["rms_norm_eps"] = 1e-6,
            ["rope_theta"] = 1e6,
            ["rope_local_base_freq"] = 10000,
            ["max_position_embeddings"] = 131072,
            ["vocab_size"] = 262208,
            ["num_attention_heads"] = 8,
            ["num_key_value_heads"] = 4,
            ["head_dim"] = 256,
            ["sliding_window"] = 4096,
            ["query_pre_attn_scalar"] = 256,
        },
    };

    private static readonly HfArchitecture Gpt2 = new()
    {
        Name = "gpt2",
        ModelTypes = ["gpt2"],
        Prefixes = ["transformer.", ""],
        BlockStem = "h.",
        Modules = new Dictionary<string, string> { ["wte"] = "token_embd", ["wpe"] = "position_embd", ["ln_f"] = "output_norm", ["lm_head"] = "output" },
        BlockModules = new Dictionary<string, string>
        {
            ["ln_1"] = "attn_norm",
            ["attn.c_attn"] = "attn_qkv",
            ["attn.c_proj"] = "attn_output",
            ["ln_2"] = "ffn_norm",
            ["mlp.c_fc"] = "ffn_up",
            ["mlp.c_proj"] = "ffn_down",
        },
        Ignored = [".attn.bias", ".attn.masked_bias"],
        Activations = ["gelu_new", "gelu_pytorch_tanh"],
        Defaults = new Dictionary<string, double> { ["layer_norm_epsilon"] = 1e-5, ["n_positions"] = 1024 },
        Transposed = true,
        Tied = true,
        Rotary = false,
        RmsNorm = false,
    };

    private static readonly HfArchitecture Bert = new()
    {
        Name = "bert",
        ModelTypes = ["bert"],
        Prefixes = ["bert.", ""],
        BlockStem = "encoder.layer.",
        Modules = new Dictionary<string, string>
        {
            ["embeddings.word_embeddings"] = "token_embd",
            ["embeddings.position_embeddings"] = "position_embd",
            ["embeddings.token_type_embeddings"] = "token_types",
            ["embeddings.LayerNorm"] = "token_embd_norm",
        },
        BlockModules = new Dictionary<string, string>
        {
            ["attention.self.query"] = "attn_q",
            ["attention.self.key"] = "attn_k",
            ["attention.self.value"] = "attn_v",
            ["attention.output.dense"] = "attn_output",
            ["attention.output.LayerNorm"] = "attn_output_norm",
            ["intermediate.dense"] = "ffn_up",
            ["output.dense"] = "ffn_down",
            ["output.LayerNorm"] = "layer_output_norm",
        },
        Ignored = ["embeddings.position_ids", "pooler.dense.", "cls."],
        Activations = ["gelu"],
        Defaults = new Dictionary<string, double> { ["layer_norm_eps"] = 1e-12, ["max_position_embeddings"] = 512, ["type_vocab_size"] = 2 },
        Rotary = false,
        RmsNorm = false,
    };

    private static readonly HfArchitecture[] All = [Llama, Mistral, Qwen2, Qwen3, Gemma2, Gemma3, Phi3, Gpt2, Bert];

    /// <exception cref="InvalidInputException">The configuration names none or an unknown model type.</exception>
    public static HfArchitecture Of(HfJson config)
    {
        string type = config.Text("model_type") ?? throw new InvalidInputException($"{config.Path}: \"model_type\" is missing; this is not the configuration of a language model");
        return Array.Find(All, architecture => architecture.ModelTypes.Contains(type))
            ?? throw DamagedFile.Error(config.Path, $"model type '{type}' is not supported ({string.Join(", ", All.SelectMany(architecture => architecture.ModelTypes))} are)");
    }
}
