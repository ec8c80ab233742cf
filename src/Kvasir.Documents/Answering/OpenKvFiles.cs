using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Documents.Answering;

/// <summary>
/// The KV files used last, kept open, so that one that many questions need is mapped and its header parsed once. One that has changed on
/// disk is opened anew.
/// </summary>
internal sealed class OpenKvFiles(Model model) : IDisposable
{
    /// <summary>Windows does not let a mapped file be deleted, and a store has to be able to.</summary>
    private static readonly int Most = OperatingSystem.IsWindows() ? 1 : 64;

    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private long _uses;

    /// <summary>The file, which is not the caller's to dispose.</summary>
    /// <exception cref="InvalidInputException">It is missing, damaged, or of another model.</exception>
    public KvFile Open(string path)
    {
        (long, DateTime) stamp = new FileInfo(path) is { Exists: true } file ? (file.Length, file.LastWriteTimeUtc) : default;
        if (!_entries.TryGetValue(path, out Entry? entry) || entry.Stamp != stamp)
        {
            Close(path);
            entry = new Entry(KvFile.Open(path, model.CacheLayout), stamp);
            if (_entries.Count == Most) Close(_entries.MinBy(pair => pair.Value.LastUse).Key);
            _entries[path] = entry;
        }

        entry.LastUse = ++_uses;
        return entry.File;
    }

    public void Dispose()
    {
        foreach (string path in _entries.Keys.ToArray()) Close(path);
    }

    /// <summary>Caches that have placed it keep its mapping.</summary>
    private void Close(string path)
    {
        if (_entries.Remove(path, out Entry? entry)) entry.File.Dispose();
    }

    private sealed record Entry(KvFile File, (long Length, DateTime Written) Stamp)
    {
        public long LastUse { get; set; }
    }
}
