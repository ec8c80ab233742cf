using Kvasir.Formats;

namespace Kvasir.Vision.Files;

/// <summary>
/// The image encoder in a Hugging Face folder of Idefics 3 or SmolVLM, seen under the keys and names that llama.cpp's files have. The
/// language model stands in the same folder and is opened by itself.
/// </summary>
internal sealed unsafe class VisionFolder : ModelFile
{
    private const string ConfigName = "config.json", PreprocessorName = "preprocessor_config.json", Block = "vision_model.encoder.layers.";

    private static readonly string[] s_types = ["idefics3", "smolvlm"];

    private static readonly Dictionary<string, string> s_modules = new()
    {
        ["vision_model.embeddings.patch_embedding"] = "v.patch_embd",
        ["vision_model.embeddings.position_embedding"] = "v.position_embd",
        ["vision_model.post_layernorm"] = "v.post_ln",
        ["connector.modality_projection.proj"] = "mm.model.fc",
    };

    private static readonly Dictionary<string, string> s_blockModules = new()
    {
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.out_proj"] = "attn_out",
        ["layer_norm1"] = "ln1",
        ["layer_norm2"] = "ln2",
        ["mlp.fc1"] = "ffn_up",
        ["mlp.fc2"] = "ffn_down",
    };

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private VisionFolder(string path) => Path = path;

    public override string Path { get; }

    public override IReadOnlyDictionary<string, object> Metadata => Values;

    public override IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    public override bool InterleavedRotary => false;

    public override string? TokenizerJsonPath => null;

    internal override IReadOnlyList<string> SourceFiles =>
        [Inside(ConfigName), Inside(PreprocessorName), .. _files.Select(file => file.Path)];

    private Dictionary<string, object> Values { get; set; } = [];

    /// <exception cref="InvalidInputException">No such folder, one without an image encoder, or damaged.</exception>
    public static VisionFolder Open(string path)
    {
        var folder = new VisionFolder(path);
        try
        {
            folder.Values = folder.ReadSettings();
            foreach (string file in Directory.GetFiles(path, "*.safetensors").Order(StringComparer.Ordinal)) folder.Add(file);
            return folder;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            folder.Dispose();
            throw new InvalidInputException($"{path} cannot be read: {error.Message}", error);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    internal override void Release(Tensor tensor) => Release(_files.Select(file => file.File), tensor);

    protected override void Dispose(bool disposing)
    {
        foreach (SafetensorsFile file in _files) file.Dispose();
        _files.Clear();
        _tensors.Clear();
    }

    private Dictionary<string, object> ReadSettings()
    {
        HfJson config = HfJson.Read(Inside(ConfigName)), pictures = HfJson.Read(Inside(PreprocessorName));
        if (!s_types.Contains(config.Text("model_type"), StringComparer.Ordinal) || config.Object("vision_config") is not { } vision)
            throw new InvalidInputException($"{Path}: has no image encoder that is known here (folders of idefics3 and smolvlm have)");
        if (vision.Text("hidden_act") is { } activation and not "gelu_pytorch_tanh")
            throw vision.Wrong("hidden_act", $"gelu_pytorch_tanh ({activation} is not supported)");
        long Size(string name, long usual) => vision.Integer(name) ?? usual;
        return new Dictionary<string, object>
        {
            ["general.architecture"] = "clip",
            ["clip.has_vision_encoder"] = true,
            ["clip.projector_type"] = "idefics3",
            ["clip.use_gelu"] = true,
            ["clip.vision.image_size"] = Size("image_size", 224),
            ["clip.vision.patch_size"] = Size("patch_size", 32),
            ["clip.vision.embedding_length"] = Size("hidden_size", 1152),
            ["clip.vision.feed_forward_length"] = Size("intermediate_size", 3072),
            ["clip.vision.attention.head_count"] = Size("num_attention_heads", 16),
            ["clip.vision.attention.layer_norm_epsilon"] = vision.Number("layer_norm_eps") ?? 1e-6,
            ["clip.vision.block_count"] = Size("num_hidden_layers", 12),
            ["clip.vision.projector.scale_factor"] = config.Integer("scale_factor") ?? 2,
            ["clip.vision.image_mean"] = pictures.Numbers("image_mean") ?? [0.5, 0.5, 0.5],
            ["clip.vision.image_std"] = pictures.Numbers("image_std") ?? [0.5, 0.5, 0.5],
            ["clip.vision.preproc_image_size"] = pictures.Flag("do_image_splitting") == false ? Size("image_size", 224)
                : pictures.Object("size")?.Integer("longest_edge") ?? 4 * Size("image_size", 224),
        };
    }

    private void Add(string path)
    {
        var file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (SafetensorsEntry entry in file.Tensors.Values)
        {
            if (NameOf(entry.Name) is not { } name) continue;
            if (SafetensorsFile.FloatType(entry.Type) is not { } type)
                throw new InvalidInputException($"{path}: tensor '{entry.Name}' is of type {entry.Type} (F32, F16 and BF16 are supported)");
            if (entry.Shape.Count == 0 || entry.Shape.Any(size => size is < 1 or > 1 << 24))
                throw new InvalidInputException($"{path}: tensor '{entry.Name}' has the shape [{string.Join(", ", entry.Shape)}]");
            if (!_tensors.TryAdd(name, new Tensor(name, type, entry.Shape, file.File.Pointer + entry.Offset, entry.ByteLength)))
                throw new InvalidInputException($"{path}: tensor '{entry.Name}' stands in two files");
        }
    }

    /// <summary>What llama.cpp's files call a tensor; null for those of the language model.</summary>
    private static string? NameOf(string name)
    {
        if (name.StartsWith("model.", StringComparison.Ordinal)) name = name["model.".Length..];
        int dot = name.LastIndexOf('.');
        if (dot < 0) return null;
        (string module, string kind) = (name[..dot], name[dot..]);
        if (s_modules.TryGetValue(module, out string? known)) return known + kind;
        if (!module.StartsWith(Block, StringComparison.Ordinal) || module.Split('.', 5) is not [_, _, _, var number, var part]) return null;
        return s_blockModules.TryGetValue(part, out string? inBlock) ? $"v.blk.{number}.{inBlock}{kind}" : null;
    }

    private string Inside(string name) => System.IO.Path.Combine(Path, name);
}
