using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>
/// Keys and values of long prompts in a folder, for later sessions and other processes: a prefix cache on disk. Every block of 256 tokens
/// is a <see cref="KvFile"/> named by a hash of the model, the policy and all ids up to its end, so a prompt finds its longest stored
/// beginning block by block. Files appear under their names when they are whole, so any number of processes may use one folder and end at
/// any moment.
/// </summary>
public sealed class PromptStore
{
    /// <summary>Tokens of a stored block: eight blocks of the cache.</summary>
    public const int BlockTokens = 256;

    /// <summary>
    /// Prompts with fewer tokens are neither looked up nor stored: computing two blocks anew takes a fraction of a second, and short
    /// prompts are many.
    /// </summary>
    public const int LeastTokens = 512;

    /// <summary>The quota where none is given: 2 GB.</summary>
    public const long DefaultQuota = 2L << 30;

    private const string Extension = ".kv";

    /// <summary>
    /// What a process that ended while it wrote has left behind is removed after this time; a living one writes a block in less.
    /// </summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    /// <summary>A store in a folder, which is made when there is something to store.</summary>
    /// <param name="folder">The folder; what else lies in it is left alone.</param>
    /// <param name="quota">The most bytes of stored blocks; those least recently used go first.</param>
    /// <exception cref="InvalidInputException">The path is that of a file.</exception>
    public PromptStore(string folder, long quota = DefaultQuota)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(quota);
        if (File.Exists(folder)) throw new InvalidInputException($"{folder}: a file; prompts are kept in a folder");
        (Folder, Quota) = (Path.GetFullPath(folder), quota);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The most bytes of stored blocks.</summary>
    public long Quota { get; }

    /// <summary>Why the last prompt could not be stored, or null. A prompt that is not stored costs only time.</summary>
    public string? Problem { get; private set; }

    /// <summary>Places the stored blocks that follow what a cache holds of a prompt.</summary>
    /// <param name="cache">It holds a beginning of the prompt, possibly none.</param>
    /// <param name="prompt">All ids of the prompt; its last token is not taken from the store, so that it has logits.</param>
    /// <returns>Tokens that the cache holds now.</returns>
    internal int Load(KvCache cache, ReadOnlySpan<int> prompt)
    {
        if (prompt.Length < LeastTokens || cache.Layout.KeysDependOnLength) return cache.Length;
        int first = cache.Length / BlockTokens, end = first;
        // Without files the model's identity, which can take seconds to compute the first time, is not needed.
        string[] names = HasFiles() ? PromptKeys.Of(cache.Layout, cache.Policy, prompt[..^1]) : [];
        while (end < names.Length && File.Exists(PathOf(names[end]))) end++;
        if (end * BlockTokens > cache.Length)
        {
            cache.Truncate(first * BlockTokens);
            bool sound = true;
            for (int block = first; block < end && sound; block++)
                sound = Place(cache, names[block], prompt.Slice(block * BlockTokens, BlockTokens));
            Touch(names.AsSpan(0, cache.Length / BlockTokens));
        }
        else if (!cache.HasTail && cache.Length - cache.WholeBlockTokens < KvBlock.Tokens)
        {
            // Behind a block that was cut short no later block would stand where it can be stored.
            cache.Truncate(cache.WholeBlockTokens);
        }
        return cache.Length;
    }

    /// <summary>Stores the blocks at the beginning of a cache that are whole, sealed and not there yet.</summary>
    internal void Save(KvCache cache, ReadOnlySpan<int> ids)
    {
        int blocks = Math.Min(cache.WholeBlockTokens, ids.Length) / BlockTokens;
        if (ids.Length < LeastTokens || blocks == 0 || cache.Layout.KeysDependOnLength) return;
        try
        {
            MakeFolder();
            string[] names = PromptKeys.Of(cache.Layout, cache.Policy, ids[..(blocks * BlockTokens)]);
            int stored = 0;
            for (long bytes = 0; stored < blocks; stored++)
            {
                string path = PathOf(names[stored]);
                if (!File.Exists(path)) Write(path, cache, ids.Slice(stored * BlockTokens, BlockTokens), stored * BlockTokens);
                bytes += LengthOf(new FileInfo(path));
                // What exceeds the quota by itself would be written only to be evicted.
                if (bytes + bytes / (stored + 1) > Quota) break;
            }
            Touch(names.AsSpan(0, Math.Min(stored + 1, blocks)));
            Evict();
            Problem = null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Problem = problem.Message;
        }
    }

    private static void Write(string path, KvCache cache, ReadOnlySpan<int> ids, int firstToken)
    {
        using KvCache part = cache.ShareBlocks(firstToken + BlockTokens);
        part.Save(path, ids, firstToken, isPrivate: true);
    }

    /// <summary>False, and the file is gone, where it is damaged or not what its name says.</summary>
    private bool Place(KvCache cache, string name, ReadOnlySpan<int> ids)
    {
        try
        {
            using KvFile file = KvFile.Open(PathOf(name), cache.Layout, verify: true);
            if (file.FirstPosition == cache.Length && file.Ids.SequenceEqual(ids.ToArray()) && file.IsKeptAs(cache))
            {
                cache.Place(file);
                return true;
            }
        }
        catch (KvasirException)
        {
            // It is computed and stored anew.
        }
        Delete(PathOf(name));
        return false;
    }

    /// <summary>
    /// Marks blocks as used now, each later than the one behind it: so a block is never evicted before what cannot be found without it.
    /// </summary>
    private void Touch(ReadOnlySpan<string> names)
    {
        DateTime now = DateTime.UtcNow;
        for (int block = names.Length - 1; block >= 0; block--)
            try
            {
                File.SetLastWriteTimeUtc(PathOf(names[block]), now.AddMicroseconds(names.Length - block));
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                // Another process has evicted it, or the folder is read-only: it counts as used when it was.
            }
    }

    /// <summary>Removes what was least recently used until the quota is kept, and what writers that ended early have left.</summary>
    private void Evict()
    {
        List<(FileInfo File, long Bytes, DateTime Used)> blocks = [];
        foreach (FileInfo file in new DirectoryInfo(Folder).GetFiles().Where(file => PromptKeys.BeginsWithName(file.Name)))
        {
            if (file.Name.Length == PromptKeys.NameLength + Extension.Length) blocks.Add((file, LengthOf(file), file.LastWriteTimeUtc));
            else if (DateTime.UtcNow - file.LastWriteTimeUtc > Abandoned) Delete(file.FullName);
        }
        long bytes = blocks.Sum(block => block.Bytes);
        foreach ((FileInfo file, long length, _) in blocks.OrderBy(block => block.Used))
        {
            if (bytes <= Quota) return;
            Delete(file.FullName);
            bytes -= length;
        }
    }

    private bool HasFiles()
    {
        try
        {
            return Directory.Exists(Folder) && Directory.EnumerateFiles(Folder, "*" + Extension).Any();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Prompts are private: the folder and its files are the user's alone where the system has permissions of that kind.</summary>
    private void MakeFolder()
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(Folder);
        else Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>0 where another process has just removed it.</summary>
    private static long LengthOf(FileInfo file) => file.Exists ? file.Length : 0;

    private string PathOf(string name) => Path.Combine(Folder, name + Extension);

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Another process holds it; the next eviction tries again.
        }
    }
}
