using Kvasir.Memory;

namespace Kvasir.Cli.Measuring;

/// <summary>
/// A context whose KV is stored as a document store has it: chunks of 512 tokens, each computed behind the same short prefix, a file each.
/// The files lie in a folder for temporary files (where <c>TMPDIR</c> says) and are removed in the end.
/// </summary>
internal sealed class StoredContext : IDisposable
{
    public const int PrefixTokens = 24, ChunkTokens = 512;

    private readonly Model _model;
    private readonly TemporaryStore _folder = new();
    private readonly List<string> _paths = [];

    public StoredContext(ForwardSteps steps, KvPolicy policy, int tokens)
    {
        _model = steps.Model;
        Ids = [.. Enumerable.Range(0, PrefixTokens + tokens).Select(steps.ScatteredId)];
        try
        {
            using KvCache prefix = _model.NewCache(policy);
            Store(steps, prefix, 0, PrefixTokens);
            for (int at = PrefixTokens; at < Ids.Length; at += ChunkTokens)
            {
                using KvCache chunk = prefix.Fork();
                Store(steps, chunk, at, Math.Min(ChunkTokens, Ids.Length - at));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Prefix and context.</summary>
    public int[] Ids { get; }

    /// <summary>Bytes of keys and values in the files.</summary>
    public long Bytes { get; private set; }

    /// <summary>Maps all files and puts them into an empty cache.</summary>
    public void Place(KvCache cache)
    {
        foreach (string path in _paths)
        {
            using KvFile file = KvFile.Open(path, _model.CacheLayout);
            cache.Place(file);
        }
    }

    /// <summary>Brings the chunks behind the first one up to what stands before them. The cache holds nothing else.</summary>
    public void Repair(KvCache cache, ChunkRepair repair, CancellationToken cancellation)
    {
        const int Second = PrefixTokens + ChunkTokens;
        if (Ids.Length <= Second) return;
        if (repair.Share > 0)
            _model.RepairMostDeviating(
                cache, Ids, PrefixTokens, (int)Math.Round((Ids.Length - PrefixTokens) * repair.Share, MidpointRounding.ToEven),
                cancellation: cancellation);
        int[] positions = [.. Enumerable.Range(Second, Ids.Length - Second)
            .Where(position => (position - Second) % ChunkTokens < repair.Tokens)];
        _model.Repair(cache, positions, [.. positions.Select(position => Ids[position])], cancellation: cancellation);
    }

    /// <summary>Lets the system forget the files' pages; false where it does not.</summary>
    public bool DropFromMemory()
    {
        bool dropped = true;
        foreach (string path in _paths) dropped &= PageCache.Drop(path);
        return dropped;
    }

    public void Dispose() => _folder.Dispose();

    private void Store(ForwardSteps steps, KvCache cache, int at, int tokens)
    {
        int first = cache.Length;
        ReadOnlySpan<int> ids = Ids.AsSpan(at, tokens);
        steps.Prefill(cache, ids);
        string path = Path.Combine(_folder.Path, $"{_paths.Count}.kv");
        cache.Save(path, ids, first);
        _paths.Add(path);
        using KvFile file = KvFile.Open(path, _model.CacheLayout);
        Bytes += file.Bytes;
    }
}
