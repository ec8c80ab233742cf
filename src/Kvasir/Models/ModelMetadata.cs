using Kvasir.Formats;

namespace Kvasir.Models;

/// <summary>A model file's metadata under its architecture's prefix, checked for sense.</summary>
internal sealed class ModelMetadata(ModelFile file)
{
    private const int MaxSize = 1 << 24;

    public ModelFile File { get; } = file;

    public string Architecture { get; } = file.Require<string>("general.architecture");

    public T Get<T>(string key, T fallback) => File.Get($"{Architecture}.{key}", fallback);

    /// <summary>The sliding window, <see cref="int.MaxValue"/> for none.</summary>
    public int Window => Get("attention.sliding_window", 0) is > 0 and var window ? window : int.MaxValue;

    /// <summary>Whether a layer's window slides: as the file lists it layer by layer, or on all layers but the last of each period (0: on all).</summary>
    /// <param name="layers">The model's layers.</param>
    /// <param name="usualPeriod">The architecture's period, where the file says nothing.</param>
    /// <exception cref="InvalidInputException">The file's pattern is unusable.</exception>
    public Func<int, bool> SlidingLayers(int layers, int usualPeriod)
    {
        const string key = "attention.sliding_window_pattern";
        if (File.Metadata.GetValueOrDefault($"{Architecture}.{key}") is bool[] listed)
            return listed.Length == layers ? layer => listed[layer] : throw new InvalidInputException($"{File.Path}: {Architecture}.{key} lists {listed.Length} layers where the model has {layers}");
        int period = Get(key, usualPeriod);
        if (period < 0) throw new InvalidInputException($"{File.Path}: {Architecture}.{key} is negative");
        return layer => period == 0 || layer % period != period - 1;
    }

    /// <summary>The sizes that every architecture has.</summary>
    /// <exception cref="InvalidInputException">One is missing or absurd.</exception>
    public ModelConfig ReadConfig()
    {
        int width = Size("embedding_length"), heads = Size("attention.head_count");
        int kvHeads = Get("attention.head_count_kv", heads), headDim = Get("attention.key_length", width / heads);
        if (kvHeads < 1 || heads % kvHeads != 0) throw new InvalidInputException($"{File.Path}: {heads} query heads cannot share {kvHeads} key-value heads");
        if (heads / kvHeads > Cache.AttentionScratch.MaxRows) throw new InvalidInputException($"{File.Path}: more than {Cache.AttentionScratch.MaxRows} query heads for one key-value head are not supported");
        if (headDim is < 2 or > 1024 || headDim % 2 != 0 || Get("attention.value_length", headDim) != headDim) throw new InvalidInputException($"{File.Path}: head size {headDim} is not supported");
        int layers = Size("block_count");
        if (layers > File.Tensors.Count) throw new InvalidInputException($"{File.Path}: {layers} layers cannot stand in {File.Tensors.Count} tensors");
        return new ModelConfig
        {
            Architecture = Architecture,
            Layers = layers,
            Width = width,
            Heads = heads,
            KvHeads = kvHeads,
            HeadDim = headDim,
            FeedForward = Size("feed_forward_length"),
            Vocabulary = checked((int)File.RequireTensor("token_embd.weight").Shape[0]),
            ContextLength = Get("context_length", 2048),
        };
    }

    private int Size(string key) => File.Require<int>($"{Architecture}.{key}") is > 0 and < MaxSize and var size ? size : throw new InvalidInputException($"{File.Path}: {Architecture}.{key} is out of range");
}
