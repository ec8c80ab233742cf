using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Quantization;
using Kvasir.Vision.Families;

namespace Kvasir.Vision.Files;

/// <summary>
/// The image encoder in a Hugging Face folder of SmolVLM or Gemma 3, seen under the keys and names that llama.cpp's files have. The
/// language model stands in the same folder and is opened by itself.
/// </summary>
internal sealed unsafe class VisionFolder : ModelFile
{
    private const string ConfigName = "config.json", PreprocessorName = "preprocessor_config.json", Block = "vision_model.encoder.layers.";

    /// <summary>What stands before the names of the tower's tensors, in this order.</summary>
    private static readonly string[] s_prefixes = ["model.", "vision_tower."];

    private static readonly Dictionary<string, string> s_modules = new()
    {
        ["vision_model.embeddings.patch_embedding"] = "v.patch_embd",
        ["vision_model.embeddings.position_embedding"] = "v.position_embd",
        ["vision_model.post_layernorm"] = "v.post_ln",
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
    private readonly List<NativeBuffer> _copies = [];
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private HfVision? _form;

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
        foreach (NativeBuffer copy in _copies) copy.Dispose();
        _files.Clear();
        _copies.Clear();
        _tensors.Clear();
    }

    private Dictionary<string, object> ReadSettings()
    {
        HfJson config = HfJson.Read(Inside(ConfigName)), pictures = HfJson.Read(Inside(PreprocessorName));
        string? type = config.Text("model_type");
        ImageFamily? family = ImageFamily.All.FirstOrDefault(family => family.HuggingFace?.ModelTypes.Contains(type) == true);
        if (family?.HuggingFace is not { } form || config.Object("vision_config") is not { } vision)
            throw new InvalidInputException($"{Path}: has no image encoder that is known here (folders of "
                + $"{string.Join(", ", ImageFamily.All.SelectMany(known => known.HuggingFace?.ModelTypes ?? []))} have)");
        if (vision.Text("hidden_act") is { } activation and not "gelu_pytorch_tanh")
            throw vision.Wrong("hidden_act", $"gelu_pytorch_tanh ({activation} is not supported)");
        _form = form;
        long Size(string name, long usual) => vision.Integer(name) ?? usual;
        var sizes = new HfTowerSizes(
            Size("image_size", form.Defaults.ImageSize), Size("patch_size", form.Defaults.PatchSize),
            Size("hidden_size", form.Defaults.Width), Size("intermediate_size", form.Defaults.FeedForward),
            Size("num_attention_heads", form.Defaults.Heads), Size("num_hidden_layers", form.Defaults.Blocks));
        return new Dictionary<string, object>(form.Settings(config, sizes, pictures))
        {
            ["general.architecture"] = "clip",
            ["clip.has_vision_encoder"] = true,
            ["clip.projector_type"] = family.Projector,
            ["clip.use_gelu"] = true,
            ["clip.vision.image_size"] = sizes.ImageSize,
            ["clip.vision.patch_size"] = sizes.PatchSize,
            ["clip.vision.embedding_length"] = sizes.Width,
            ["clip.vision.feed_forward_length"] = sizes.FeedForward,
            ["clip.vision.attention.head_count"] = sizes.Heads,
            ["clip.vision.attention.layer_norm_epsilon"] = vision.Number("layer_norm_eps") ?? 1e-6,
            ["clip.vision.block_count"] = sizes.Blocks,
            ["clip.vision.image_mean"] = pictures.Numbers("image_mean") ?? [0.5, 0.5, 0.5],
            ["clip.vision.image_std"] = pictures.Numbers("image_std") ?? [0.5, 0.5, 0.5],
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
            var tensor = new Tensor(name, type, entry.Shape, file.File.Pointer + entry.Offset, entry.ByteLength);
            if (!_tensors.TryAdd(name, _form!.LackOne.Contains(name) && entry.Shape.Count == 1 ? PlusOne(tensor) : tensor))
                throw new InvalidInputException($"{path}: tensor '{entry.Name}' stands in two files");
        }
    }

    private Tensor PlusOne(Tensor stored)
    {
        var copy = new NativeBuffer(stored.Columns * sizeof(float));
        _copies.Add(copy);
        var values = new Span<float>(copy.Pointer, stored.Columns);
        GgmlBlocks.Dequantize(stored.Type, stored.RowBytes(0), values);
        foreach (ref float value in values) value += 1;
        return new Tensor(stored.Name, TensorType.F32, [stored.Columns], copy.Pointer, copy.Length);
    }

    /// <summary>What llama.cpp's files call a tensor; null for those of the language model.</summary>
    private string? NameOf(string name)
    {
        foreach (string prefix in s_prefixes)
            if (name.StartsWith(prefix, StringComparison.Ordinal)) name = name[prefix.Length..];
        if (_form!.Tensors.TryGetValue(name, out string? projector)) return projector;
        int dot = name.LastIndexOf('.');
        if (dot < 0) return null;
        (string module, string kind) = (name[..dot], name[dot..]);
        if (s_modules.TryGetValue(module, out string? known)) return known + kind;
        if (!module.StartsWith(Block, StringComparison.Ordinal) || module.Split('.', 5) is not [_, _, _, var number, var part]) return null;
        return s_blockModules.TryGetValue(part, out string? inBlock) ? $"v.blk.{number}.{inBlock}{kind}" : null;
    }

    private string Inside(string name) => System.IO.Path.Combine(Path, name);
}
