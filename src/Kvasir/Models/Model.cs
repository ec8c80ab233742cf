using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Numerics;
using Kvasir.Tokenization;

namespace Kvasir.Models;

/// <summary>
/// A loaded model: immutable weights, its tokenizer and chat template. Safe to share between threads; forward passes take turns.
/// </summary>
public sealed partial class Model : IForwardEngine, IDisposable
{
    private readonly ModelFile _file;
    private readonly TransformerSpec _spec;
    private readonly ModelWeights _weights;
    private readonly Transformer _transformer;
    private readonly BlockPool _pool = new();
    private readonly Lock _turn = new();
    private readonly List<KvCache.Step> _steps = [];
    private readonly Lazy<string> _identity;
    private readonly Lazy<Tokenizer> _tokenizer;
    private readonly Lazy<ChatTemplate?> _template;

    private Model(ModelFile file, ModelConfig config, TransformerSpec spec, ModelWeights weights, Transformer transformer,
        AttentionKernels attention, ModelOptions options)
    {
        (_file, Config, _spec, _weights, _transformer, Options) = (file, config, spec, weights, transformer, options);
        _identity = new Lazy<string>(() => ModelIdentity.Cached(file));
        _tokenizer = new Lazy<Tokenizer>(() => Tokenizer.Load(file));
        _template = new Lazy<ChatTemplate?>(() => ChatTemplate.Load(file, Tokenizer));
        CacheLayout = new KvLayout([.. spec.Layers.Select(layer => layer.CacheLayout)], attention, () => Identity, () => Tokenizer.Identity)
        {
            Computation = options.Compute.ToString(),
            ContextLength = config.ContextLength,
            KeysDependOnLength = spec.Layers.Any(layer => layer.Rotary?.Long is not null),
        };
    }

    /// <summary>The file or folder.</summary>
    public string Path => _file.Path;

    /// <summary>Sizes and kinds.</summary>
    public ModelConfig Config { get; }

    /// <summary>The model's tokenizer.</summary>
    public Tokenizer Tokenizer => _tokenizer.Value;

    /// <summary>The chat template that the file carries, or null.</summary>
    public ChatTemplate? ChatTemplate => _template.Value;

    /// <summary>SHA-256 (hex) over tensor data and configuration, computed once and kept in the user's cache folder.</summary>
    public string Identity => _identity.Value;

    /// <summary>Bytes of packed weights.</summary>
    public long WeightBytes => _weights.Bytes;

    /// <summary>The shape of its caches, and the identities that they carry when they are saved.</summary>
    public KvLayout CacheLayout { get; }

    /// <summary>Where blocks come from that no other pool was named for; without budget.</summary>
    internal BlockPool DefaultPool => _pool;

    int IForwardEngine.ContextLength => Config.ContextLength;

    bool IForwardEngine.ComputesRunsWhole => _spec.RunsSeeThemselves;

    /// <summary>What it was loaded with.</summary>
    internal ModelOptions Options { get; }

    /// <summary>Loads a GGUF file or a Hugging Face folder.</summary>
    /// <exception cref="InvalidInputException">Not a usable model; the message says why.</exception>
    public static Model Load(string path, ModelOptions? options = null)
    {
        options ??= new ModelOptions();
        ModelFile file = ModelFiles.Open(path);
        try
        {
            var metadata = new ModelMetadata(file);
            Architecture architecture = Architecture.Find(file);
            ModelConfig config = metadata.ReadConfig();
            TransformerSpec spec = architecture.Describe(metadata, config);
            metadata.RefuseUnread();
            if (options.ContextLength > 0) config = config with { ContextLength = options.ContextLength };
            int threads = options.Threads > 0 ? options.Threads : PhysicalCores.Count();
            KernelPath kernels = options.Kernels ?? KernelPaths.Choose();
            bool exact = options.Compute == ComputeMode.Float32;
            var weights = new ModelWeights(file, config, spec, exact, kernels, threads);
            AttentionKernels attention = AttentionKernels.For(kernels, exact);
            return new Model(file, config, spec, weights, new Transformer(config, spec, weights, threads, kernels, attention, exact),
                attention, options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>An empty cache for one sequence.</summary>
    /// <param name="policy">How it keeps keys and values; float16 by default.</param>
    /// <param name="pool">Where its blocks come from; the model's own pool, without budget, by default.</param>
    /// <exception cref="InvalidInputException">The policy names heads that this model does not have, or leaves open what <c>Prepare</c>
    /// chooses.</exception>
    public KvCache NewCache(KvPolicy? policy = null, BlockPool? pool = null)
    {
        policy?.Steering?.CheckHeads(Config.Layers, Config.Heads);
        return new KvCache(CacheLayout, policy ?? KvPolicy.Default, pool ?? _pool);
    }

    /// <summary>What sequences under a policy will hold.</summary>
    /// <param name="policy">How they keep keys and values; float16 by default.</param>
    public KvForecast Forecast(KvPolicy? policy = null) =>
        new(CacheLayout, policy ?? KvPolicy.Default, _transformer.Workers, ForwardSlice.MaxRows);

    /// <summary>
    /// One forward pass over all tokens of the batch: appends to the caches and leaves the wanted logits in the batch. If it throws, the
    /// caches are as before.
    /// </summary>
    /// <exception cref="InvalidInputException">An id outside the vocabulary, one below 0 whose embedding was not given, or a sequence
    /// longer than the model's context.</exception>
    /// <exception cref="KvBudgetExceededException">A pool's budget does not hold the new tokens.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two slices of 512 tokens.</exception>
    public void Forward(Batch batch, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (!_spec.Causal)
            throw new InvalidInputException($"{Path} is a sentence encoder ({Config.Architecture}): it cannot continue texts");
        Check(batch);
        lock (_turn)
        {
            Run(batch, cancellation);
            foreach (BatchEntry entry in batch.Entries) Evict(batch, entry);
        }
    }

    /// <summary>
    /// Runs a few tokens through the model, so that compiling the kernels and touching the weights for the first time does not fall into
    /// the first answer. A prompt, a prompt on a filled cache, and one token are different paths.
    /// </summary>
    /// <param name="policy">How the caches to come keep keys and values; float16 by default.</param>
    public void WarmUp(KvPolicy? policy = null)
    {
        int[] ids = [.. Enumerable.Range(0, Math.Min(WarmUpTokens, Config.ContextLength / 3)).Select(id => id % Config.Vocabulary)];
        if (ids.Length == 0) return;
        if (!_spec.Causal)
        {
            Embed(ids);
            return;
        }
        using KvCache cache = NewCache(policy);
        using var batch = new Batch();
        foreach (int[] step in new[] { ids, ids, [ids[0]] })
        {
            batch.Clear();
            batch.Add(cache, step);
            Forward(batch);
            cache.Seal();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _transformer.Dispose();
        _weights.Dispose();
        _pool.Dispose();
        _file.Dispose();
    }

    private const int WarmUpTokens = 40;

    private void Run(Batch batch, CancellationToken cancellation, int keysOfLayer = int.MaxValue)
    {
        try
        {
            for (int i = 0; i < batch.Entries.Count; i++) _steps.Add(batch.Entries[i].BeginStep(PassBytes(batch, i)));
            _transformer.Forward(batch, _steps, cancellation, keysOfLayer);
            foreach (KvCache.Step step in _steps) step.Commit();
        }
        finally
        {
            foreach (KvCache.Step step in _steps) step.Dispose();
            _steps.Clear();
        }
    }

    /// <summary>What the pass needs of a pool besides its sequences, asked for once: with the first of them.</summary>
    private long PassBytes(Batch batch, int entry)
    {
        BlockPool pool = batch.Entries[entry].Cache.Pool;
        int tokens = 0, sequences = 0;
        if (pool.Budget == long.MaxValue) return 0;
        for (int i = 0; i < batch.Entries.Count; i++)
        {
            if (!ReferenceEquals(batch.Entries[i].Cache.Pool, pool)) continue;
            if (i < entry) return 0;
            if (batch.Entries[i].Count == 1) continue;
            tokens = Math.Min(tokens + batch.Entries[i].Count, ForwardSlice.MaxRows);
            sequences++;
        }
        return CacheLayout.PassBytes(tokens, sequences, _transformer.Workers);
    }

    /// <exception cref="InvalidInputException">Rows that see each other do not go through the layers together.</exception>
    private void CheckRuns(Batch batch, in BatchEntry entry)
    {
        if (!_spec.RunsSeeThemselves || entry.Repairs) return;
        int most = Math.Min(ForwardSlice.MaxRows, entry.Cache.MostRows), longest = EmbeddedRuns.Longest(batch.Ids(entry));
        if (longest > most)
            throw new InvalidInputException($"{longest} rows of a picture see each other in this model and must be computed together, but "
                + $"at most {most} can be{(most < ForwardSlice.MaxRows ? " under the policy's budget" : "")}");
    }

    private void Check(Batch batch)
    {
        foreach (BatchEntry entry in batch.Entries)
        {
            if (!ReferenceEquals(entry.Cache.Layout, CacheLayout))
                throw new ArgumentException("the cache belongs to another model", nameof(batch));
            int length = entry.Cache.Length + entry.Growth;
            if (length > entry.Cache.Policy.LongestSequence(CacheLayout, Config.ContextLength))
                throw new InvalidInputException(
                $"the sequence would have {length} tokens; the model's context holds {Config.ContextLength}");
            CheckSecondReading(entry.Cache);
            CheckRuns(batch, entry);
            for (int i = 0; i < entry.Count; i++)
                if (batch.Id(entry.FirstId + i) is var id && (id < 0 ? entry.Embeddings?.Contains(id) != true : id >= Config.Vocabulary))
                    throw new InvalidInputException($"token id {id} is outside the vocabulary of {Config.Vocabulary}"
                        + (id < 0 ? ", and no row of embeddings with this id was given (a picture that has to be given again?)" : ""));
        }
    }
}
