using Kvasir.Formats;

namespace Kvasir.Models;

/// <summary>
/// A model file's metadata under its architecture's prefix, checked for sense. What is asked for is remembered, so that what nobody asked
/// for can be refused.
/// </summary>
internal sealed class ModelMetadata
{
    /// <summary>Which layers slide their window: by layer (true = slides), or one number n (all but every n-th).</summary>
    public const string SlidingLayers = "attention.sliding_window_pattern";

    /// <summary>
    /// Which layers rotate query and key, in the same form. GGUF has no such key; Hugging Face configurations list the layers.
    /// </summary>
    public const string RotatedLayers = "rope.layers";

    private const int MaxSize = 1 << 24;

    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <exception cref="InvalidInputException">The file names no architecture, or is a mixture of experts.</exception>
    public ModelMetadata(ModelFile file)
    {
        File = file;
        Architecture = file.Require<string>("general.architecture");
        if (Get("expert_count", 0L) > 0 || file.Tensors.Keys.Any(name => name.Contains("_exps.", StringComparison.Ordinal)))
            throw DamagedFile.Experts(file.Path);
    }

    public ModelFile File { get; }

    public string Architecture { get; }

    /// <summary>The sliding window, <see cref="int.MaxValue"/> for none.</summary>
    public int Window => Get("attention.sliding_window", 0L) is > 0 and < int.MaxValue and var window ? (int)window : int.MaxValue;

    public T Get<T>(string key, T fallback) => File.Get(Asked(key), fallback);

    public T Require<T>(string key) => File.Require<T>(Asked(key));

    /// <summary>What the norms add to the mean square.</summary>
    public float Epsilon(NormKind norm) =>
        Finite(norm == NormKind.Rms
            ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", Require<float>) is >= 0 and var epsilon
        ? epsilon : throw new InvalidInputException($"{File.Path}: the norms' epsilon is negative");

    /// <summary>A factor; 1 where there is none or it is 0, as GGUF has it.</summary>
    public float Factor(string key) => Finite(key, name => Get(name, 1f)) is var factor && factor != 0 ? factor : 1;

    /// <summary>How sentence embeddings are pooled.</summary>
    /// <exception cref="InvalidInputException">In a way that is not supported.</exception>
    public Pooling Pooling(Pooling usual) =>
        Get("pooling_type", (long)usual) is >= 0 and <= (long)Models.Pooling.Last and var pooling ? (Pooling)pooling
        : throw new InvalidInputException(
            $"{File.Path}: {Architecture}.pooling_type {Get("pooling_type", 0L)} is not supported (1 mean, 2 first token and 3 last token "
            + "are; 4 is a reranker)");

    /// <summary>
    /// Whether something holds for a layer: as the file lists it layer by layer, or for all but the last of each period (0: for all).
    /// </summary>
    /// <param name="key">Where the file says it.</param>
    /// <param name="layers">The model's layers.</param>
    /// <param name="usualPeriod">The architecture's period, where the file says nothing.</param>
    /// <exception cref="InvalidInputException">The file's pattern is unusable.</exception>
    public Func<int, bool> ByLayer(string key, int layers, int usualPeriod)
    {
        if (File.Metadata.GetValueOrDefault(Asked(key)) is bool[] listed)
            return listed.Length == layers ? layer =>
                listed[layer]
                    : throw new InvalidInputException(
                    $"{File.Path}: {Architecture}.{key} lists {listed.Length} layers where the model has {layers}");
        int period = Get(key, usualPeriod);
        if (period < 0) throw new InvalidInputException($"{File.Path}: {Architecture}.{key} is negative");
        return layer => period == 0 || layer % period != period - 1;
    }

    /// <summary>The sizes that every architecture has.</summary>
    /// <exception cref="InvalidInputException">One is missing or absurd.</exception>
    public ModelConfig ReadConfig()
    {
        int width = Size("embedding_length"), heads = Size("attention.head_count");
        int kvHeads = Size("attention.head_count_kv", heads), headDim = Size("attention.key_length", width / heads);
        if (heads % kvHeads != 0)
            throw new InvalidInputException($"{File.Path}: {heads} query heads cannot share {kvHeads} key-value heads");
        if (heads / kvHeads > Cache.AttentionScratch.MaxRows)
            throw new InvalidInputException(
                $"{File.Path}: more than {Cache.AttentionScratch.MaxRows} query heads for one key-value head are not supported");
        int valueDim = Size("attention.value_length", headDim);
        foreach (int size in new[] { headDim, valueDim })
            if (size is < 2 or > 1024 || size % 2 != 0) throw new InvalidInputException($"{File.Path}: head size {size} is not supported");
        int layers = Size("block_count");
        if (layers > File.Tensors.Count)
            throw new InvalidInputException($"{File.Path}: {layers} layers cannot stand in {File.Tensors.Count} tensors");
        long context = Get("context_length", 2048L);
        if (context < 1) throw new InvalidInputException($"{File.Path}: {Architecture}.context_length is {context}");
        return new ModelConfig
        {
            Architecture = Architecture,
            Layers = layers,
            Width = width,
            Heads = heads,
            KvHeads = kvHeads,
            HeadDim = headDim,
            ValueDim = valueDim,
            FeedForward = Size("feed_forward_length"),
            Vocabulary = File.RequireTensor("token_embd.weight").Rows,
            ContextLength = (int)Math.Min(context, 1 << 30),
        };
    }

    /// <summary>Refuses settings that nobody asked for though they change what is computed.</summary>
    public void RefuseUnread() => UnreadSettings.Refuse(File.Path, $"{Architecture}.", Settings($"{Architecture}."), _asked);

    private IEnumerable<(string Name, object? Value)> Settings(string prefix)
    {
        foreach ((string key, object value) in File.Metadata)
            if (key.StartsWith(prefix, StringComparison.Ordinal)) yield return (key[prefix.Length..], value);
    }

    /// <summary>A size, given once or, equal, for every layer.</summary>
    private int Size(string key, int fallback = 0)
    {
        long size = File.Metadata.GetValueOrDefault(Asked(key)) switch
        {
            long[] { Length: > 0 } list => list.Distinct().Count() == 1 ? list[0]
                : throw new InvalidInputException(
                    $"{File.Path}: {Architecture}.{key} differs from layer to layer ({string.Join(", ", list.Distinct().Take(4))} …), "
                    + "which is not supported"),
            null when fallback > 0 => fallback,
            _ => Require<long>(key),
        };
        return size is > 0 and < MaxSize
            ? (int)size : throw new InvalidInputException($"{File.Path}: {Architecture}.{key} is out of range");
    }

    private float Finite(string key, Func<string, float> read) =>
        read(key) is var value && float.IsFinite(value)
            ? value : throw new InvalidInputException($"{File.Path}: {Architecture}.{key} is not finite");

    private string Asked(string key)
    {
        _asked.Add(key);
        return $"{Architecture}.{key}";
    }
}
