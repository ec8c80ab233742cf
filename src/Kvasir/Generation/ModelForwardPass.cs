using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>Forward passes on a real model, with a batch of its own.</summary>
internal sealed class ModelForwardPass : IForwardPass
{
    private readonly Model _model;
    private readonly KvPolicy? _policy;
    private readonly BlockPool? _pool;
    private readonly PromptStore? _prompts;
    private readonly Batch _batch = new();
    private readonly Lazy<KvForecast> _forecast;

    public ModelForwardPass(Model model, KvPolicy? policy, BlockPool? pool, PromptStore? prompts = null)
    {
        _model = model;
        _policy = policy;
        _pool = pool;
        _prompts = prompts;
        _forecast = new Lazy<KvForecast>(() => model.Forecast(policy));
    }

    public Tokenizer Tokenizer => _model.Tokenizer;

    public ChatTemplate? ChatTemplate => _model.ChatTemplate;

    public int ContextLength => _model.Config.ContextLength;

    public long Budget => _pool?.Budget ?? long.MaxValue;

    public long MostBytes(int tokens) => _forecast.Value.MostBytes(tokens);

    public long PassBytes(int tokens, int sequences) => _forecast.Value.PassBytes(tokens, sequences);

    public int MostTokens() => Math.Min(ContextLength, _forecast.Value.MostTokens(Budget));

    public int Room(ISequenceCache cache)
    {
        KvCache inner = ((SequenceCache)cache).Inner;
        int most = ContextLength - inner.Length;
        if (inner.Pool.Budget == long.MaxValue) return most;
        long left = inner.Pool.Budget - inner.Pool.Bytes;
        int fits = 0;
        for (int step = 1 << 30; step > 0; step >>= 1)
            if (step <= most - fits && inner.MostGrowthBytes(fits + step) + PassBytes(fits + step, 1) <= left) fits += step;
        return fits;
    }

    public ISequenceCache NewCache() => new SequenceCache(_model.NewCache(_policy, _pool));

    public int Recall(ISequenceCache cache, ReadOnlySpan<int> prompt) => _prompts?.Load(_model, ((SequenceCache)cache).Inner, prompt) ?? cache.Length;

    public void EndStep(ISequenceCache cache, int promptTokens)
    {
        if (_prompts is not null && promptTokens >= PromptStore.LeastTokens) ((SequenceCache)cache).Inner.Seal();
    }

    public void Keep(ISequenceCache cache, ReadOnlySpan<int> ids) => _prompts?.Save(_model, ((SequenceCache)cache).Inner, ids);

    public ISequenceCache LoadCache(string path, List<int> ids, out string? messages)
    {
        using KvFile file = KvFile.Open(path, _model, verify: true);
        messages = file.Attachment;
        KvCache cache = _model.NewCache(_policy ?? _model.Prepare(file.Policy), _pool);
        if (_policy is null) cache.Place(file);
        else cache.PlaceConverted(file);
        ids.AddRange(file.Ids);
        return new SequenceCache(cache);
    }

    public void Clear() => _batch.Clear();

    public void Add(ISequenceCache cache, ReadOnlySpan<int> ids, LogitRows rows) => _batch.Add(((SequenceCache)cache).Inner, ids, rows);

    public void Run() => _model.Forward(_batch);

    public Span<float> Logits(int row) => _batch.Logits(row);

    public void Dispose() => _batch.Dispose();

    internal sealed class SequenceCache(KvCache inner) : ISequenceCache
    {
        public KvCache Inner { get; } = inner;

        public int Length => Inner.Length;

        public long Bytes => Inner.Bytes;

        public long MostBytes(int tokens) => Inner.Bytes + Inner.MostGrowthBytes(tokens - Inner.Length);

        public ISequenceCache Fork() => new SequenceCache(Inner.Fork());

        public void Truncate(int length) => Inner.Truncate(length);

        public void Save(string path, ReadOnlySpan<int> ids, string messages) => Inner.SaveCopy(path, ids, messages);

        public void Dispose() => Inner.Dispose();
    }
}
