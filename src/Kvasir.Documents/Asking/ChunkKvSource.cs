using Kvasir.Cache;
using Kvasir.Documents.Answering;
using Kvasir.Documents.Storage;
using Kvasir.Memory;

namespace Kvasir.Documents.Asking;

/// <summary>
/// Finds the KV of the chunks of answers. What is missing (freed for the quota, damaged, never computed) is computed as ingesting does, and
/// stored for the next question where that can be done at once.
/// </summary>
internal sealed class ChunkKvSource(IAnswerModel model, DocumentStore store, KvShelf shelf, IReadOnlyList<KvShelf> richer,
    SharedPrefix prefix, bool prefixIsNew, ChunkComputation chunks, AskCosts costs)
{
    /// <summary>A file that is damaged again right after it was stored anew is not stored a third time.</summary>
    private const int MostFailures = 2;

    private readonly HashSet<string> _used = new(StringComparer.Ordinal), _computed = new(StringComparer.Ordinal),
        _distrusted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _failures = new(StringComparer.Ordinal);

    private bool _prefixIsNew = prefixIsNew;

    /// <inheritdoc cref="ChunkComputation.FirstToken"/>
    public int FirstToken => chunks.FirstToken;

    /// <summary>Whether the shared prefix was computed for the answer that asks, which is the first one.</summary>
    public bool TakePrefixIsNew()
    {
        bool isNew = _prefixIsNew;
        _prefixIsNew = false;
        return isNew;
    }

    /// <summary>Has the KV of a chunk read into memory in the background, where it is in a file.</summary>
    public void ReadAhead(string name)
    {
        if (IsThere(shelf.PathOf(name)))
        {
            // Now, not when it is placed: a file whose times have changed is opened anew.
            shelf.Touch(name);
            model.ReadAhead(shelf.PathOf(name));
        }
    }

    /// <summary>The KV of a chunk whose prompt text has these ids.</summary>
    public ChunkKv Get(string name, int[] ids, CancellationToken cancellation)
    {
        string path = shelf.PathOf(name);
        bool isPicture = Array.Exists(ids, id => id < 0);
        bool Has(string file) => IsThere(file) && (!isPicture || model.Holds(file, ids));
        if (Has(path))
        {
            shelf.Touch(name);
            _used.Add(path);
            MendPrefix();
            return new ChunkKv { Path = path, IsNew = _computed.Contains(path) };
        }

        if (richer.FirstOrDefault(other => Has(other.PathOf(name))) is { } kept)
        {
            kept.Touch(name);
            _used.Add(kept.PathOf(name));
            return new ChunkKv { Path = kept.PathOf(name), IsOfAnotherPolicy = true };
        }

        using AskCosts.Scope computing = costs.Measure(AskPhase.Recompute);
        KvCache cache = chunks.Compute(ids, cancellation);
        if (_failures.GetValueOrDefault(path) >= MostFailures
            || !TryStore(quota => model.Save(cache, path, ids, chunks.FirstToken, bytes => quota.Reserve(bytes, evict: true))))
            return new ChunkKv { Computed = cache, IsNew = true };

        cache.Dispose();
        _distrusted.Remove(path);
        _computed.Add(path);
        _used.Add(path);
        return new ChunkKv { Path = path, IsNew = true };
    }

    /// <summary>
    /// Takes a file that turned out damaged out of use. False where it is none of these shelves' files, or has failed so often that trying
    /// again would not end.
    /// </summary>
    public bool SetAside(string path)
    {
        int failures = _failures[path] = _failures.GetValueOrDefault(path) + 1;
        if (failures > MostFailures
            || richer.Prepend(shelf).FirstOrDefault(candidate => candidate.Folder == Path.GetDirectoryName(path)) is not { } holder)
            return false;

        string name = Path.GetFileNameWithoutExtension(path);
        holder.SetAside(name, warned: true);
        _distrusted.Add(path);
        if (name == KvShelf.PrefixName)
        {
            prefix.Recompute();
            _prefixIsNew = true;
        }

        return true;
    }

    /// <summary>A file that was found damaged is not looked at again, even if it could not be moved away.</summary>
    private bool IsThere(string path) => !_distrusted.Contains(path) && File.Exists(path);

    /// <summary>Stores the prefix where it was lost, so that not every question computes it.</summary>
    private void MendPrefix()
    {
        string path = shelf.PathOf(KvShelf.PrefixName);
        if (!File.Exists(path) && _failures.GetValueOrDefault(path) < MostFailures) TryStore(_ => { });
    }

    /// <summary>Stores something as the writer, without waiting for another one: a later question does it then.</summary>
    private bool TryStore(Action<FileQuota> save)
    {
        try
        {
            using StoreWriter? writer = StoreWriter.TryTake(store);
            if (writer is null) return false;
            foreach (string used in _used) writer.Quota.Keep(used);
            shelf.Prepare();
            prefix.Store(shelf);
            save(writer.Quota);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or QuotaReachedException or InvalidInputException)
        {
            return false;
        }
    }
}
