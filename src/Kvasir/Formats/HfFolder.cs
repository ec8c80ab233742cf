namespace Kvasir.Formats;

/// <summary>
/// A model in a Hugging Face folder: config.json and safetensors files (one, or several with an index), seen under GGUF's
/// metadata keys and tensor names.
/// </summary>
internal sealed class HfFolder : ModelFile
{
    private const string ConfigName = "config.json", IndexName = "model.safetensors.index.json", WeightsName = "model.safetensors";

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, object> _metadata;
    private readonly HfTensors _tensors;

    private HfFolder(string path, IArchitectureNames names)
    {
        Path = path;
        HfJson root = HfJson.Read(Inside(ConfigName));
        HfArchitecture architecture = HfArchitecture.Of(root, names.HuggingFace);
        HfJson config = (root.Object("text_config") ?? root).With(architecture.Defaults);
        _metadata = HfMetadata.Translate(architecture, config);
        _metadata["general.architecture"] = architecture.Name;
        _metadata["general.name"] =
            System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)));
        foreach ((string key, object value) in HfTokenizerSettings.Read(path, root)) _metadata[key] = value;
        if (PoolingType(architecture) is { } pooling) _metadata[$"{architecture.Name}.pooling_type"] = pooling;
        if (HfJson.ReadIfThere(path, "sentence_bert_config.json")?.Integer("max_seq_length") is > 0 and var longest)
            _metadata[$"{architecture.Name}.context_length"] = Math.Min(longest, (long)_metadata[$"{architecture.Name}.context_length"]);
        InterleavedRotary = architecture.Interleaved;
        _tensors = new HfTensors(architecture);
        try
        {
            OpenFiles(architecture, config, root);
        }
        catch
        {
            Dispose(true);
            throw;
        }
    }

    public override string Path { get; }

    public override IReadOnlyDictionary<string, object> Metadata => _metadata;

    public override IReadOnlyDictionary<string, Tensor> Tensors => _tensors.All;

    public override bool InterleavedRotary { get; }

    public override string? TokenizerJsonPath => Inside("tokenizer.json");

    internal override IReadOnlyList<string> SourceFiles => [Inside(ConfigName), .. _files.Select(file => file.Path)];

    /// <exception cref="InvalidInputException">Not a model's folder, or damaged, or of a model type that is not supported.</exception>
    public static new HfFolder Open(string path, IArchitectureNames names)
    {
        try
        {
            if (!File.Exists(System.IO.Path.Combine(path, ConfigName))) throw NoConfig(path);
            return new HfFolder(path, names);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {error.Message}", error);
        }
    }

    internal override void Release(Tensor tensor) => Release(_files.Select(file => file.File), tensor);

    protected override void Dispose(bool disposing)
    {
        _tensors.Dispose();
        foreach (SafetensorsFile file in _files) file.Dispose();
        _files.Clear();
    }

    private void OpenFiles(HfArchitecture architecture, HfJson config, HfJson root)
    {
        foreach (string name in FileNames())
        {
            var file = SafetensorsFile.Open(Inside(name));
            _files.Add(file);
            _tensors.Add(file);
        }
        // Some files store the tied output matrix a second time.
        if (root.Flag("tie_word_embeddings") ?? config.Flag("tie_word_embeddings") ?? architecture.Tied) _tensors.Remove("output.weight");
        foreach ((string name, float[] factors) in architecture.Rotary ? HfRope.Factors(config) : []) _tensors.Add(name, factors);
        bool biased = _tensors.All.ContainsKey("blk.0.attn_q.bias") || _tensors.All.ContainsKey("blk.0.attn_qkv.bias");
        if (config.Flag("attention_bias") is { } promised && promised != biased)
            throw config.Wrong("attention_bias", biased ? "true: the weights have biases" : "false: the weights have no biases");
        config.RefuseUnread();
    }

    /// <summary>The weight files, all from this very folder.</summary>
    private string[] FileNames()
    {
        if (File.Exists(Inside(WeightsName))) return [WeightsName];
        if (File.Exists(Inside(IndexName)))
        {
            HfJson map = HfJson.Read(Inside(IndexName)) is var index && index.Object("weight_map") is { } found
                ? found : throw index.Wrong("weight_map", "given");
            string[] names = [.. map.Names.Select(name => map.Text(name) ?? "").Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)];
            return Array.TrueForAll(names, name => name.Length > 0 && name == System.IO.Path.GetFileName(name) && name is not ("." or ".."))
                ? names
                : throw map.Wrong("*", "the name of a file in the same folder");
        }
        string[] others = Directory.GetFiles(Path, "*.safetensors");
        if (others.Length == 1) return [System.IO.Path.GetFileName(others[0])];
        throw new InvalidInputException(others.Length > 1
            ? $"{Path}: several safetensors files but no {IndexName}"
            : $"{Path}: no {WeightsName} (other forms, such as pytorch_model.bin, are not read; convert them to safetensors or GGUF)");
    }

    /// <summary>GGUF's number for how a sentence-transformers folder pools; for BERT the mean where nothing is said.</summary>
    private long? PoolingType(HfArchitecture architecture)
    {
        if (HfJson.ReadIfThere(Path, System.IO.Path.Combine("1_Pooling", ConfigName)) is not { } pooling)
            return architecture.Name == "bert" ? 1 : null;
        if (Directory.Exists(Inside("2_Dense")))
            throw new InvalidInputException($"{Inside("2_Dense")}: a matrix behind the pooling, which is not supported");
        const string mode = "pooling_mode_";
        string[] modes = [.. pooling.Names.Distinct()
            .Where(name => name.StartsWith(mode, StringComparison.Ordinal) && pooling.Flag(name) == true)
            .Select(name => name[mode.Length..])];
        return modes switch
        {
            ["mean_tokens"] => 1,
            ["cls_token"] => 2,
            ["lasttoken"] => 3,
            [] => throw DamagedFile.Error(pooling.Path, "pooling by nothing is not supported (mean_tokens, cls_token and lasttoken are)"),
            _ => throw DamagedFile.Error(pooling.Path,
                $"pooling by {string.Join(" and ", modes)} is not supported (mean_tokens, cls_token and lasttoken are)"),
        };
    }

    private string Inside(string name) => System.IO.Path.Combine(Path, name);

    private static InvalidInputException NoConfig(string path)
    {
        string[] files = Directory.GetFiles(path, "*.gguf");
        Array.Sort(files, StringComparer.Ordinal);
        return new InvalidInputException(files.Length switch
        {
            0 => $"{path}: a folder without {ConfigName}; name a GGUF file or the folder of a Hugging Face model",
            1 => $"{path} is a folder; name the model file in it: {files[0]}",
            _ => $"{path} is a folder of {files.Length} GGUF files; name one of them, for example {files[0]}",
        });
    }
}
